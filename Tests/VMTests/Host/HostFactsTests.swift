import CLinux
import Glibc
import SystemPackage
import Testing

@testable import BridgeKernel
@testable import VMCore
@testable import VMHost

@Suite struct KVMVerdictTests {
    @Test(
        arguments: [
            (1_000_000, true, true), (-Int64(ENOEXEC), false, true), (-Int64(ETIMEDOUT), false, false),
            (-Int64(EMFILE), false, false), (-Int64(ENOMEM), false, false), (-Int64(EACCES), false, false),
            (-Int64(EBUSY), false, false),
        ] as [(Int64, Bool, Bool)])
    func onlyWhatStaysSoIsFinal(_ result: Int64, _ works: Bool, _ isFinal: Bool) {
        let judged = KVMProbe.judge(result)
        #expect((judged.verdict == .works) == works)
        #expect(judged.isFinal == isFinal)
    }
}

@Suite struct ProbeCacheTests {
    @Test func aNewEntryTakesThePlaceOfItsFamily() throws {
        let scratch = try Scratch()
        let cache = ProbeCache(directory: scratch.path)
        cache.write("qemu-1.json", [1])
        cache.write("kvm-boot1", [2], replacing: "kvm-")
        cache.write("kvm-boot2", [3], replacing: "kvm-")
        #expect(try names(in: scratch.path) == ["kvm-boot2", "qemu-1.json"])
        #expect(cache.read("kvm-boot2") == [3])
    }
}

/// umask(2) applies to the whole process. That does not affect other tests: their files are all for the owner alone.
@Suite struct FileModeTests {
    @Test func modesAreThoseMeant() throws {
        let scratch = try Scratch()
        let (file, directory) = (scratch.path.appending("file"), scratch.path.appending("new/deep"))
        let before = umask(0o077)
        defer { _ = umask(before) }
        try replaceFile(file, with: [1], permissions: 0o644)
        try makeDirectories(directory, permissions: 0o755)
        let modes = try [file, directory, directory.removingLastComponent()].map { path in
            try #require(try status(of: path)).st_mode & 0o7777
        }
        #expect(modes == [0o644, 0o755, 0o755])
        for path in [directory, directory.removingLastComponent()] { _ = path.withPlatformString { rmdir($0) } }
    }
}

@Suite struct ImageProbeTests {
    @Test func seesTheLocksOfAQEMU() throws {
        let scratch = try Scratch()
        let path = scratch.path.appending("disk")
        try replaceFile(path, with: [UInt8](repeating: 0, count: 1024), permissions: 0o600)
        #expect(try locks(path) == [])
        // As QEMU takes them: read locks on the bytes that stand for what it does and what it does not allow.
        let held = try held(path, [.writes, .refusesWriters]) { try locks(path) }
        #expect(held == [.writes, .refusesWriters])
        #expect(try locks(path) == [])
    }

    private func locks(_ path: FilePath) throws -> Set<ImageLock> {
        guard case .image(let image) = ImageFacts(probing: path, .root) else {
            Issue.record("\(ImageFacts(probing: path, .root))")
            return []
        }
        return image.locks
    }

    private func held<Result>(_ path: FilePath, _ locks: [ImageLock], _ body: () throws -> Result) throws -> Result {
        let file = try OwnedDescriptor.open(path, .readWrite)
        for lock in locks { try #require(clinux_ofd_lock(file.rawValue, lock.rawValue) == 0) }
        let result = try body()
        extendLifetime(file)
        return result
    }

    @Test func readsTheHeader() throws {
        let scratch = try Scratch()
        let path = scratch.path.appending("disk")
        try replaceFile(
            path, with: [0x51, 0x46, 0x49, 0xfb, 0, 0, 0, 2] + [UInt8](repeating: 0, count: 504), permissions: 0o600)
        guard case .image(let image) = ImageFacts(probing: path, .root) else {
            Issue.record("no image")
            return
        }
        #expect(image.content == .qcow2(outside: nil))
        #expect(image.bytes == 512)
    }
}

@Suite struct PortProbeTests {
    private struct Listener: ~Copyable {
        let socket: OwnedDescriptor
        let port: UInt16
    }

    /// A listener on one address of the loopback network.
    private func listener(_ address: String) throws -> Listener {
        let socket = try OwnedDescriptor(
            returned: Glibc.socket(AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0))
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        inet_pton(AF_INET, address, &name.sin_addr)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        try withUnsafeMutablePointer(to: &name) { pointer in
            try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { plain in
                try #require(bind(socket.rawValue, plain, length) == 0)
                try #require(listen(socket.rawValue, 1) == 0)
                try #require(getsockname(socket.rawValue, plain, &length) == 0)
            }
        }
        return Listener(socket: socket, port: name.sin_port.bigEndian)
    }

    @Test func aPortIsTakenOnItsAddressAndForAll() throws {
        let taken = try listener("127.0.0.1")
        let port = taken.port
        let answers = ["127.0.0.1", "0.0.0.0", "", "127.0.0.2"].map { address in
            PortProbe.obstacle(to: HostPort(.tcp, address, port))
        }
        extendLifetime(taken)
        #expect(answers == [.addressInUse, .addressInUse, .addressInUse, nil])
    }

    @Test func anAddressOfAnotherHostIsNone() {
        // 192.0.2.0/24 is for documentation (RFC 5737).
        #expect(PortProbe.obstacle(to: HostPort(.tcp, "192.0.2.1", 5900)) == .addressNotAvailable)
    }
}
