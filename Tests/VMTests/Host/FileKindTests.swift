import Glibc
import SystemPackage
import Testing

@testable import VMCore
@testable import VMHost
@testable import VMLife

/// What is found out about real files.
@Suite struct FileKindTests {
    @Test(arguments: [
        ("/proc/version", "proc"), ("/sys/kernel/mm/ksm/run", "sysfs"), ("/proc/self/mem", "proc"),
        ("/proc/no-such-file", "proc"), ("/sys/no-such-file", "sysfs"),
    ])
    func filesThatStoreNothingAreNoDisks(_ path: String, _ system: String) {
        guard case .unusable(let what) = ImageFacts(probing: FilePath(path), .root) else {
            Issue.record("\(path) is \(ImageFacts(probing: FilePath(path), .root))")
            return
        }
        #expect(what.description.contains("a file of \(system)"))
    }

    @Test func storedFilesAre() throws {
        let scratch = try Scratch()
        let path = scratch.path.appending("disk")
        try replaceFile(path, with: [UInt8](repeating: 0, count: 512), permissions: 0o600)
        guard case .image = ImageFacts(probing: path, .root) else {
            Issue.record("\(ImageFacts(probing: path, .root))")
            return
        }
    }

    @Test func oneFileIsOnePlace() throws {
        let scratch = try Scratch()
        let (file, link, twin) = (
            scratch.path.appending("file"), scratch.path.appending("link"), scratch.path.appending("twin")
        )
        try replaceFile(file, with: [1], permissions: 0o600)
        #expect(link.withPlatformString { symlink("file", $0) } == 0)
        #expect(twin.withPlatformString { to in file.withPlatformString { Glibc.link($0, to) } } == 0)
        #expect(FilePlace(of: file) != nil)
        #expect(FilePlace(of: link) == FilePlace(of: file) && FilePlace(of: twin) == FilePlace(of: file))
        #expect(FilePlace(of: scratch.path) != FilePlace(of: file))
        for path in [link, twin] { removeFile(path) }
    }

    @Test func whatIsMissingIsKnownByItsPlace() throws {
        let scratch = try Scratch()
        let directory = scratch.path.appending("link")
        #expect(directory.withPlatformString { symlink(".", $0) } == 0)
        let (one, other) = (scratch.path.appending("new"), directory.appending("new"))
        #expect(FilePlace(of: one) != nil && FilePlace(of: one) == FilePlace(of: other))
        #expect(FilePlace(of: one) != FilePlace(of: scratch.path.appending("newer")))
        #expect(FilePlace(of: "/no-such-directory/new") == nil)
        removeFile(directory)
    }

    @Test func aNewDiskThatTheFileSystemCanNotHold() throws {
        let scratch = try Scratch()
        let question = { (bytes: Int64) in ImageQuestion(newSize: ByteCount(bytes: bytes)) }
        let path = scratch.path.appending("new")
        guard case .missing(_, let none, _) = ImageFacts(probing: path, .root, for: question(1 << 20)),
            case .missing(_, let tooLarge, _) = ImageFacts(probing: path, .root, for: question(.max / 512 * 512))
        else {
            Issue.record("it is there")
            return
        }
        #expect(none == nil)
        #expect(tooLarge == .fileTooLarge)
        #expect(try names(in: scratch.path) == [])
    }
}
