import BridgeNet
import CLinux
import Glibc
import SystemPackage
import Testing

@testable import BridgeKernel
@testable import VMCore
@testable import VMHost
@testable import VMLife

/// Resources that live as long as somebody holds them.
@Suite struct HostResourceTests {
    private let scratch: Scratch
    private let paths: Paths

    init() throws {
        scratch = try Scratch()
        var paths = Paths.system
        paths.run = scratch.path
        self.paths = paths
        vm = try #require(VMName("web"))
        // The VM lives, as this process.
        try makeDirectories(paths.machine(vm), permissions: 0o700)
        try sign(own: true)
    }

    private func sign(own: Bool) throws {
        var found = clinux_process()
        clinux_process_look(getpid(), &found)
        let (namespace, boot) = (try BootAndNamespaces.pidNamespace(), try BootAndNamespaces.boot())
        let text = "\(getpid()) \(own ? found.start_time : 1) \(namespace) \(boot)\n"
        try replaceFile(
            VMLock(directory: paths.machine(vm)).processFile, with: Array(text.utf8), permissions: 0o640)
    }

    private let vm: VMName

    private var thing: FilePath { scratch.path.appending("thing") }
    private var journal: FilePath { paths.resources.appending("nat") }
    private var isThere: [Bool] { [thing, journal].map { path in path.withPlatformString { access($0, F_OK) } == 0 } }

    private func cleanUp() {
        removeFile(journal)
        removeDirectory(paths.resources)
        removeFile(paths.locks.appending("nat"))
        removeDirectory(paths.locks)
        removeFile(VMLock(directory: paths.machine(vm)).processFile)
        removeDirectory(paths.machine(vm))
        removeDirectory(paths.machines)
    }

    /// Holds a resource that is one file; says whether somebody held it before.
    private func hold(_ seen: inout [Bool]) throws(VMError) -> OwnedDescriptor {
        try HostResource("nat", in: paths).hold(for: vm) { (journal) throws(VMError) in
            seen.append(journal.isHeld)
            guard !journal.isHeld else { return }
            try journal.note(.file(thing))
            do throws(Errno) { try replaceFile(thing, with: [], permissions: 0o600) } catch {
                throw .system(error, thing.string, "can't be made")
            }
        }
    }

    @Test func isMadeOnceAndGoesWithItsLastHolder() throws {
        defer { cleanUp() }
        var wasHeld: [Bool] = []
        let first = try hold(&wasHeld)
        let second = try hold(&wasHeld)
        #expect(wasHeld == [false, true])
        try first.release().close()
        #expect(HostResource.sweep(paths).isEmpty)
        #expect(isThere == [true, true])
        try second.release().close()
        // A process that another test is just beginning has all descriptors of this one until it executes its program.
        let deadline = Deadline(in: .seconds(10))
        repeat { #expect(HostResource.sweep(paths).isEmpty) } while isThere != [false, false] && !deadline.hasPassed
        #expect(isThere == [false, false])
    }

    /// A QEMU that a guest took over can pass its descriptors to a process that outlives it.
    @Test func whatADeadHolderPassedOnGoesAfterItsVM() throws {
        defer { cleanUp() }
        var wasHeld: [Bool] = []
        let passedOn = try hold(&wasHeld)
        let other = try #require(VMName("other"))
        #expect(HostResource.sweep(paths, after: vm).isEmpty)
        #expect(isThere == [true, true])
        try sign(own: false)
        #expect(HostResource.sweep(paths, after: other).isEmpty)
        #expect(isThere == [true, true])
        #expect(HostResource.sweep(paths, after: vm).isEmpty)
        #expect(isThere == [false, false])
        // And the next holder starts afresh.
        try sign(own: true)
        let held = try hold(&wasHeld)
        #expect(wasHeld == [false, false])
        extendLifetime(passedOn)
        extendLifetime(held)
    }

    /// As an earlier version of kvmctl made it, with its VM still running: then only the lock counts.
    @Test func aHoldThatWasNotNotedCounts() throws {
        defer { cleanUp() }
        try makeDirectories(paths.resources, permissions: 0o700)
        try replaceFile(thing, with: [], permissions: 0o600)
        let lines = "\n{\"namespace\":\(try BootAndNamespaces.networkNamespace())}\n\n{\"file\":\"\(thing)\"}\n"
        try replaceFile(journal, with: Array(lines.utf8), permissions: 0o600)
        let old = try ByteLockFile(asking: journal)
        _ = try old.tryShare(0)
        var wasHeld: [Bool] = []
        let new = try hold(&wasHeld)
        #expect(wasHeld == [true])
        try new.release().close()
        try sign(own: false)
        #expect(HostResource.sweep(paths, after: vm).isEmpty)
        #expect(isThere == [true, true])
        extendLifetime(old)
    }

    @Test func aHolderCanOnlyRead() throws {
        defer { cleanUp() }
        var wasHeld: [Bool] = []
        let held = try hold(&wasHeld)
        let flags = fcntl(held.rawValue, F_GETFL)
        #expect(flags & O_ACCMODE == O_RDONLY)
    }

    /// A QEMU that a guest took over can try to.
    @Test func aHolderCanNotKeepTheTurn() throws {
        defer { cleanUp() }
        var wasHeld: [Bool] = []
        let held = try hold(&wasHeld)
        for byte in Int64(0)..<16 { #expect(clinux_ofd_share(held.rawValue, byte) == 0) }
        extendLifetime(try hold(&wasHeld))
        #expect(wasHeld == [false, true])
    }

    @Test func whatAKilledProcessLeftIsRemovedBeforeItIsMadeAgain() throws {
        defer { cleanUp() }
        try makeDirectories(paths.resources, permissions: 0o700)
        let left = scratch.path.appending("left")
        try replaceFile(left, with: [], permissions: 0o600)
        // The last line was never finished, so what it names was never created.
        let lines = "\n{\"file\":\"\(left)\"}\n\n{\"file\":\"\(scratch.path)/ot"
        try replaceFile(journal, with: Array(lines.utf8), permissions: 0o600)
        var wasHeld: [Bool] = []
        let held = try hold(&wasHeld)
        let isGone = left.withPlatformString { access($0, F_OK) } != 0
        #expect(wasHeld == [false] && isGone)
        extendLifetime(held)
    }

    @Test func aFailureLeavesNothing() throws {
        defer { cleanUp() }
        var codes: [VMError.Code] = []
        do throws(VMError) {
            _ = try HostResource("nat", in: paths).hold(for: vm) { (journal) throws(VMError) in
                try journal.note(.file(thing))
                _ = try? replaceFile(thing, with: [], permissions: 0o600)
                throw VMError(.busy, "net", "taken")
            }
        } catch { codes.append(error.code) }
        #expect(codes == [.busy])
        #expect(isThere == [false, false])
    }

    @Test func whatIsOfAnotherNetworkNamespaceIsLeftAlone() throws {
        defer { cleanUp() }
        try makeDirectories(paths.resources, permissions: 0o700)
        try replaceFile(thing, with: [], permissions: 0o600)
        let lines = "\n{\"namespace\":1}\n\n{\"file\":\"\(thing)\"}\n"
        try replaceFile(journal, with: Array(lines.utf8), permissions: 0o600)
        #expect(HostResource.sweep(paths).isEmpty)
        #expect(isThere == [true, true])
        var codes: [VMError.Code] = []
        var wasHeld: [Bool] = []
        do throws(VMError) { _ = try hold(&wasHeld) } catch { codes.append(error.code) }
        #expect(codes == [.busy])
    }

    /// As in a container that was restarted: its VMs' taps were removed with its old namespace.
    @Test func tapsOfAnotherNetworkNamespaceAreInNobodysWay() throws {
        defer { cleanUp() }
        try makeDirectories(paths.resources, permissions: 0o700)
        let port = PortIdentity(index: 7, name: "tap0", kind: "tun", alias: "web")
        let lines = "\n{\"namespace\":1}\n\n\(Leftover.port(port, boot: "b").json.text)\n"
        try replaceFile(journal, with: Array(lines.utf8), permissions: 0o600)
        var wasHeld: [Bool] = []
        extendLifetime(try hold(&wasHeld))
        #expect(wasHeld == [false] && isThere == [true, true])
    }

    @Test func everyRemnantComesBackFromItsLine() throws {
        let daemon = Daemon(pidFile: "/run/kvmctl/nat/dnsmasq.pid")
        let remnants: [Leftover] = [
            .link(try #require(InterfaceName("kvmnat0")), mac: MACAddress(bits: 0x02_0000_0000_01)),
            .port(PortIdentity(index: 7, name: "tap0", kind: "tun", alias: "web"), boot: "b"),
            .table(family: "ip", name: "kvmctl_nat", script: nil),
            .table(family: "netdev", name: "kvmctl-web", script: "/run/kvmctl/rules/kvmctl-web"), .daemon(daemon),
            .reader(daemon),
            .setting(.forwarding, was: "0", now: "1"), .forwarding(for: try #require(InterfaceName("kvmnat0"))),
            .file("/run/a \"b\""), .directory("/run/kvmctl/nat"),
        ]
        #expect(try remnants.map { Leftover(try JSON(parsing: $0.json.text.utf8)) } == remnants)
    }
}

extension CInt {
    fileprivate func close() throws { try FileDescriptor(rawValue: self).close() }
}
