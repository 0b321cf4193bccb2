import Glibc
import SystemPackage
import Testing

@testable import BridgeNet

/// Runs `body` in a fresh, empty network namespace that is gone afterwards. Only the calling thread enters it and
/// `body` can't leave the thread, so neither the machine's interfaces nor other tests are touched.
///
/// Needs root; without it the test fails and says so.
func inFreshNamespace<Result>(_ body: () throws -> Result) throws -> Result {
    try #require(geteuid() == 0, "these tests create network namespaces: run them as root")
    let home = try FileDescriptor.open("/proc/thread-self/ns/net", .readOnly)
    defer { try? home.close() }
    guard NamespaceCalls.unshare(NamespaceCalls.network) == 0 else { throw Errno(rawValue: errno) }
    // A thread that can't return must not run any other test.
    defer {
        let result = NamespaceCalls.setns(home.rawValue, NamespaceCalls.network)
        precondition(result == 0, "can't leave the test's network namespace")
    }
    return try body()
}

/// Two calls of libc that Swift's Glibc does not import.
private enum NamespaceCalls {
    static let network: CInt = 0x4000_0000  // CLONE_NEWNET

    static func unshare(_ flags: CInt) -> CInt {
        guard let address = dlsym(nil, "unshare") else { return -1 }
        return unsafeBitCast(address, to: (@convention(c) (CInt) -> CInt).self)(flags)
    }

    static func setns(_ descriptor: CInt, _ type: CInt) -> CInt {
        guard let address = dlsym(nil, "setns") else { return -1 }
        return unsafeBitCast(address, to: (@convention(c) (CInt, CInt) -> CInt).self)(descriptor, type)
    }
}

extension InterfaceName {
    /// A name that a test knows to be valid.
    static func known(_ text: String) throws -> InterfaceName { try #require(InterfaceName(text)) }
}

/// A file's text, as seen by the calling thread.
func text(of path: FilePath) throws -> String {
    let file = try FileDescriptor.open(path, .readOnly)
    return try file.closeAfter {
        var text: [UInt8] = []
        while true {
            let chunk = try [UInt8](unsafeUninitializedCapacity: 1 << 16) { buffer, count in
                count = try file.read(into: UnsafeMutableRawBufferPointer(buffer))
            }
            if chunk.isEmpty { return String(decoding: text, as: UTF8.self) }
            text += chunk
        }
    }
}
