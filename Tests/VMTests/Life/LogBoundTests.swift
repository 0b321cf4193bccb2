import CLinux
import Glibc
import SystemPackage
import Testing

@testable import BridgeKernel
@testable import VMCore
@testable import VMHost
@testable import VMLife

/// Logs that are appended to while their beginning is removed.
@Suite struct LogBoundTests {
    /// On a disk, whose file system can remove blocks, and in memory, where what is kept is copied.
    static let places: [FilePath] = ["/tmp", "/dev/shm"]

    private static let size = 1 << 16

    /// A log of numbered lines, 16 bytes each, in a directory that is removed with it.
    private final class Log {
        let path: FilePath
        private var lines = 0

        init(in place: FilePath) throws {
            var template = Array("\(place)/kvmctl-test-XXXXXX".utf8CString)
            path = FilePath(String(cString: try #require(mkdtemp(&template)))).appending("log")
        }

        deinit {
            removeFile(path)
            removeDirectory(path.removingLastComponent())
        }

        func append(_ count: Int) throws {
            let file = try OwnedDescriptor.open(path, .writeOnly, flags: O_APPEND | O_CREAT, permissions: 0o600)
            for _ in 0..<count {
                try writeAll(LogBoundTests.line(lines), to: file.descriptor)
                lines += 1
            }
        }
    }

    static func line(_ number: Int) -> [UInt8] {
        let digits = String(number)
        return Array((String(repeating: "0", count: 15 - digits.count) + digits + "\n").utf8)
    }

    /// The numbers of the complete lines in it; what is before the first line end may be the rest of one.
    private static func numbers(_ bytes: [UInt8], after head: Int = 0) -> [Int] {
        let lines = bytes.dropFirst(head).split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        return lines.dropFirst().dropLast().compactMap { Int(String(decoding: $0, as: UTF8.self)) }
    }

    /// Whether the file system can remove blocks; else what is written between the last look and the cut is lost.
    private func takesBlocksOut(_ path: FilePath) throws -> Bool {
        let file = try OwnedDescriptor.open(path, .readWrite)
        return clinux_take_out(file.rawValue, 0, clinux_block_size(file.rawValue)) == 0
    }

    private func bound(in place: FilePath) throws -> LogBound {
        var paths = Paths.system
        paths.run = place
        return LogBound(try Site.current.looking(at: paths), size: Int64(Self.size))
    }

    @Test(arguments: places) func theNewestIsKept(_ place: FilePath) throws {
        let log = try Log(in: place)
        try log.append(Self.size / 16)
        try bound(in: place).enforce(on: log.path)
        #expect(try readFile(log.path).count == Self.size)
        try log.append(5000)
        try bound(in: place).enforce(on: log.path)
        let kept = try readFile(log.path)
        #expect(kept.count <= Self.size && kept.count > Self.size - 8192)
        let last = Self.size / 16 + 5000
        #expect(Self.numbers([UInt8(ascii: "\n")] + kept) == Array(last - kept.count / 16..<last))
    }

    @Test(arguments: places) func theBeginningOfARecordStays(_ place: FilePath) throws {
        let log = try Log(in: place)
        try log.append(20000)
        let head = try readFile(log.path, limit: 4096)
        try bound(in: place).enforce(on: log.path, keepingFirst: 4096)
        let kept = try readFile(log.path)
        #expect(kept.count <= Self.size)
        #expect(Array(kept.prefix(4096)) == head)
        #expect(Self.numbers(kept, after: 4096).last == 19999)
    }

    /// Nothing comes twice or in another order; and if blocks can be removed, nothing is missing in between.
    @Test(arguments: places) func whoAppendsMeanwhileLosesNothingNew(_ place: FilePath) throws {
        let log = try Log(in: place)
        try log.append(1)
        let path = log.path
        let writer = Background {
            guard let file = try? OwnedDescriptor.open(path, .writeOnly, flags: O_APPEND) else { return false }
            return (1..<100_000).allSatisfy { (try? writeAll(Self.line($0), to: file.descriptor)) != nil }
        }
        var rounds = 0
        var last = 0
        while last < 99_999, rounds < 100_000 {
            try bound(in: place).enforce(on: path)
            last = Self.numbers(try readTail(path, limit: 64)).last ?? last
            rounds += 1
        }
        #expect(writer.value)
        let numbers = Self.numbers(try readFile(path))
        #expect(numbers.last == 99_999)
        #expect(zip(numbers, numbers.dropFirst()).allSatisfy { $0 < $1 })
        if try takesBlocksOut(log.path) { #expect(numbers.last.map { $0 - numbers.count + 1 } == numbers.first) }
    }

    /// A reader that follows a log continues where it was, although that place has moved in the file.
    @Test(arguments: places) func whoFollowsSeesEverythingOnce(_ place: FilePath) throws {
        let log = try Log(in: place)
        var paths = Paths.system
        paths.log = log.path.removingLastComponent()
        let name = try #require(VMName("vm"))
        try makeDirectories(paths.logs(name), permissions: 0o700)
        defer {
            removeFile(paths.consoleLog(name))
            removeDirectory(paths.logs(name))
        }
        var expected: [UInt8] = []
        var seen: [UInt8] = []
        func append(_ numbers: Range<Int>) throws {
            let lines = numbers.flatMap { Self.line($0) }
            expected += lines
            let file = try OwnedDescriptor.open(
                paths.consoleLog(name), .writeOnly, flags: O_APPEND | O_CREAT, permissions: 0o600)
            try writeAll(lines, to: file.descriptor)
        }
        try append(0..<10)
        let vm = Machine(name: name, file: "", site: try Site.current.looking(at: paths))
        var reader = try LogReader(.console, of: vm)
        func readOn() throws {
            while true {
                let bytes = try reader.next()
                if bytes.isEmpty { return }
                seen += bytes
            }
        }
        for round in 0..<20 {
            try readOn()
            try append(10 + round * 1000..<10 + (round + 1) * 1000)
            // Sometimes before the reader reads again; it misses nothing of what is kept.
            if round % 3 == 0 { try bound(in: place).enforce(on: paths.consoleLog(name)) }
            try readOn()
            try bound(in: place).enforce(on: paths.consoleLog(name))
        }
        try readOn()
        #expect(seen == expected)
    }
}
