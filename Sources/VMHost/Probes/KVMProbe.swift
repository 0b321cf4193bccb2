import CLinux
import Glibc
import SystemPackage
import VMCore

/// Whether KVM runs stock guests here. This is proved by running a guest; the verdict holds until the next boot.
package struct KVMProbe {
    let cache: ProbeCache

    package init(cache: ProbeCache) {
        self.cache = cache
    }

    /// How long a loop of a million steps may take. It takes under 1 ms on bare metal, and about 10 ms in a nested
    /// guest.
    private static let deadlineMilliseconds: CInt = 1000

    /// - Parameter canOpen: whether QEMU's user may open /dev/kvm.
    package func verdict(canOpen: Bool) -> KVMVerdict {
        if let obstacle = Self.obstacle { return .unusable(obstacle) }
        guard canOpen else {
            let owner = (try? status(of: "/dev/kvm")).map { " (of \(Accounts.owner($0)))" } ?? ""
            return .unusable("QEMU's user can't open /dev/kvm\(owner)")
        }
        return tried
    }

    /// The verdict for root's plan shown to a user, who can't try it: KVM is assumed to work, unless it evidently does
    /// not.
    package static var assumed: KVMVerdict { obstacle.map { .unusable($0) } ?? .works }

    /// An obstacle that every user can see.
    private static var obstacle: String? {
        guard exists("/dev/kvm") else {
            return "this host has no /dev/kvm (no kvm_intel or kvm_amd loaded, or virtualization off in the BIOS)"
        }
        if isForeign {
            return "the only KVM of this host is kvm_pvm, which can't run stock guests"
        }
        return nil
    }

    /// Whether the host's only KVM is kvm_pvm, for paravirtual guests: stock guests hang there.
    package static var isForeign: Bool {
        exists("/sys/module/kvm_pvm") && !exists("/sys/module/kvm_intel") && !exists("/sys/module/kvm_amd")
    }

    private static func exists(_ path: FilePath) -> Bool { path.withPlatformString { access($0, F_OK) } == 0 }

    /// The result of a test guest. Only lasting results are cached until the next boot, not that the host was busy, or
    /// out of memory or descriptors.
    private var tried: KVMVerdict {
        let key = (try? BootAndNamespaces.boot()).map { "kvm-\($0)" }
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

    /// The meaning of the test guest's result, and whether it will stay the same until the next boot.
    static func judge(_ result: Int64) -> (verdict: KVMVerdict, isFinal: Bool) {
        if result >= 0 { return (.works, true) }
        return switch Errno(rawValue: CInt(-result)) {
        case .timedOut: (.unusable("a test guest on /dev/kvm made no progress within a second"), false)
        case .execFormatError: (.unusable("a test guest on /dev/kvm did not run correctly"), true)
        case let error: (.unusable("a test guest on /dev/kvm can't be run: \(error.description)"), false)
        }
    }
}
