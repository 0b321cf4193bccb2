import Foundation
import Glibc
import SystemPackage
import Testing

@testable import VMCore
@testable import VMHost
@testable import VMLife

/// A params file is replaced as a whole, and by nothing that somebody else has changed meanwhile.
@Suite struct FileEditTests {
    /// A VM with a params file below a directory of its own.
    private final class Place {
        let scratch: Scratch
        let vm: Machine
        var file: FilePath { vm.file }

        init(_ text: String = "CPUS=1\n") throws {
            scratch = try Scratch()
            var paths = Paths.system
            paths.run = scratch.path
            let name = try #require(VMName("vm"))
            let file = scratch.path.appending("vm.params")
            vm = Machine(name: name, file: file, site: try Site.current.looking(at: paths))
            try write(text)
        }

        func write(_ text: String) throws { try Data(text.utf8).write(to: URL(fileURLWithPath: file.string)) }

        var text: String {
            get throws { String(decoding: try Data(contentsOf: URL(fileURLWithPath: file.string)), as: UTF8.self) }
        }

        var names: [String] { get throws { try VMHost.names(in: scratch.path) ?? [] } }
    }

    @Test func keepsModeAndLinkAndLeavesNothing() throws {
        let place = try Place()
        chmod(place.file.string, 0o640)
        let link = place.scratch.path.appending("link")
        symlink("vm.params", link.string)
        try place.vm.at(link).rewriteFile { _ in "CPUS=2\n" }
        #expect(try place.text == "CPUS=2\n")
        #expect(try isLink(link))
        #expect(try status(of: place.file)?.st_mode == S_IFREG | 0o640)
        #expect(try place.names == ["files", "link", "vm.params"])
    }

    @Test func theSameTextIsNotWritten() throws {
        let place = try Place()
        let before = try status(of: place.file)?.st_ino
        try place.vm.rewriteFile { $0 }
        #expect(try status(of: place.file)?.st_ino == before)
    }

    @Test func whatAKilledCommandLeftIsRemoved() throws {
        let place = try Place()
        try Data("junk".utf8).write(to: URL(fileURLWithPath: "\(place.scratch.path)/.vm.params.kvmctl"))
        try place.vm.rewriteFile { _ in "CPUS=2\n" }
        #expect(try place.names == ["files", "vm.params"])
    }

    @Test func anothersChangeIsNotLost() throws {
        let place = try Place()
        #expect {
            try place.vm.rewriteFile { text throws(VMError) in
                try? place.write("CPUS=3\n")
                return text + "MEMORY=1G\n"
            }
        } throws: { ($0 as? VMError)?.code == .busy }
        #expect(try place.text == "CPUS=3\n")
        #expect(try place.names == ["files", "vm.params"])
    }

    @Test func whatCouldLoseSomethingIsRefused() throws {
        let place = try Place()
        link(place.file.string, "\(place.scratch.path)/other")
        #expect { try place.vm.rewriteFile { _ in "" } } throws: { ($0 as? VMError)?.code == .busy }
        unlink("\(place.scratch.path)/other")
        try Data([0x23, 0xe4, 0x0a]).write(to: URL(fileURLWithPath: place.file.string))
        #expect { try place.vm.rewriteFile { _ in "" } } throws: { ($0 as? VMError)?.code == .badData }
        // Only the beginning of it is read, which must not replace the whole.
        let long = String(repeating: "# comment\n", count: VMParams.maximumFileSize / 10 + 1)
        try place.write(long)
        #expect { try place.vm.rewriteFile { _ in "" } } throws: { ($0 as? VMError)?.code == .badData }
        #expect(try place.text == long)
        unlink(place.file.string)
        #expect { try place.vm.rewriteFile { _ in "" } } throws: { ($0 as? VMError)?.code == .notFound }
    }

    /// Each of many editors at once adds a line, and all lines are there.
    @Test func editorsAtTheSameTime() async throws {
        let place = try Place()
        let vm = place.vm
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<8 {
                group.addTask {
                    for round in 0..<10 { try vm.rewriteFile { $0 + "# \(number) \(round)\n" } }
                }
            }
            try await group.waitForAll()
        }
        #expect(try place.text.split(separator: "\n").count == 81)
    }
}
