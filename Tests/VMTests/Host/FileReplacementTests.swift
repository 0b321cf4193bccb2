import Foundation
import SystemPackage
import Testing

@testable import VMHost

/// Files that are replaced as a whole.
struct FileReplacementTests {
    @Test func whatAKilledCommandLeftIsTakenAway() throws {
        let scratch = try Scratch()
        let file = scratch.path.appending("file")
        let left = scratch.path.appending(".file.kvmctl")
        try replaceFile(left, with: [9], permissions: 0o600)
        try replaceFile(file, with: [1, 2], permissions: 0o640)
        #expect(try (readFile(file), status(of: file)?.st_mode) == ([1, 2], S_IFREG | 0o640))
        #expect(try names(in: scratch.path) == ["file"])

        try replaceFile(left, with: [9], permissions: 0o600)
        for _ in 0..<2 { try removeReplacedFile(file) }
        #expect(try names(in: scratch.path) == [])
    }

    @Test func aFailureLeavesNothing() throws {
        let scratch = try Scratch()
        let directory = scratch.path.appending("directory")
        try makeDirectories(directory.appending("full"), permissions: 0o755)
        #expect(throws: Errno.isDirectory) { try replaceFile(directory, with: [1], permissions: 0o600) }
        #expect(throws: Errno.noSuchFileOrDirectory) {
            try replaceFile(scratch.path.appending("none/file"), with: [1], permissions: 0o600)
        }
        #expect(try names(in: scratch.path) == ["directory"])
    }

    @Test func manyAtOnceLeaveOneWhole() throws {
        let scratch = try Scratch()
        let file = scratch.path.appending("file")
        DispatchQueue.concurrentPerform(iterations: 16) { number in
            for _ in 0..<50 {
                try? replaceFile(file, with: [UInt8](repeating: UInt8(number), count: 10_000), permissions: 0o600)
                let found = (try? readFile(file)) ?? []
                #expect(found.count == 10_000 && Set(found).count == 1)
            }
        }
        #expect(try names(in: scratch.path) == ["file"])
    }
}
