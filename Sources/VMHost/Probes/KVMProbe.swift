import CLinux
import Glibc
import SystemPackage
import VMCore

/// Whether KVM runs stock guests here. Running a guest is the proof; the verdict holds until the next boot.
package struct KVMProbe {
    let cache: ProbeCache

    package init(cache: ProbeCache) {
        self.cache = cache
    }

    /// How long a loop of a million steps may take: under a millisecond on bare metal, some ten in a nested guest.
    private static let deadlineMilliseconds: CInt = 1000

    /// - Parameter canOpen: whether QEMU's own user may open /dev/kvm.
    package func verdict(canOpen: Bool) -> KVMVerdict {
        if let obstacle = Self.obstacle { return .unusable(obstacle) }
        guard canOpen else {
            let owner = (try? status(of: "/dev/kvm")).map { " (of \(Accounts.owner($0)))" } ?? ""
            return .unusable("/dev/kvm\(owner) does not open for QEMU's user")
        }
        return tried
    }

    /// For a plan of root's that is shown to a user who can't try: what root would find is assumed, unless it is plain
    /// to everybody that guests don't run here.
    package static var assumed: KVMVerdict { obstacle.map { .unusable($0) } ?? .works }

    /// What is plain to everybody.
    private static var obstacle: String? {
        guard exists("/dev/kvm") else {
            return "this host has no /dev/kvm (no kvm_intel or kvm_amd loaded, or virtualization off in the BIOS)"
        }
        if isForeign {
            return "the only KVM of this host is kvm_pvm, which can't run stock guests"
        }
        return nil
    }

    /// Whether the host's only KVM is that of paravirtual guests: stock ones hang.
    package static var isForeign: Bool {
        exists("/sys/module/kvm_pvm") && !exists("/sys/module/kvm_intel") && !exists("/sys/module/kvm_amd")
    }

    private static func exists(_ path: FilePath) -> Bool { path.withPlatformString { access($0, F_OK) } == 0 }

    /// What a test guest showed. Kept until the next boot is only what will not be otherwise in a moment: not that the
    /// host was busy, or out of memory or descriptors.
    private var tried: KVMVerdict {
        let key = (try? Whereabouts.boot()).map { "kvm-\($0)" }
        if let key, let text = cache.read(key) {
            return text.isEmpty ? .works : .unusable(String(decoding: text, as: UTF8.self))
        }
        let (verdict, isFinal) = Self.judge(clinux_kvm_probe(Self.deadlineMilliseconds))
        if isFinal, let key {
            let text = if case .unusable(let reason) = verdict { reason } else { "" }
            cache.write(key, Array(text.utf8), replacing: "kvm-")
        }
        return verdict
    }

    /// What the test guest's result means, and whether it will be the same until the next boot.
    static func judge(_ result: Int64) -> (verdict: KVMVerdict, isFinal: Bool) {
        if result >= 0 { return (.works, true) }
        return switch Errno(rawValue: CInt(-result)) {
        case .timedOut: (.unusable("a test guest on /dev/kvm got nowhere in a second"), false)
        case .execFormatError: (.unusable("a test guest on /dev/kvm did not run as a processor would"), true)
        case let error: (.unusable("a test guest on /dev/kvm can't be run: \(error.description)"), false)
        }
    }
}
