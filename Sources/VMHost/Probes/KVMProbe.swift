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
            return .unusable(.closed(owner: (try? status(of: "/dev/kvm")).map { Accounts.owner($0) }))
        }
        return tried
    }

    /// The verdict for root's plan shown to a user, who can't try it: KVM is assumed to work, unless it evidently does
    /// not.
    package static var assumed: KVMVerdict { obstacle.map { .unusable($0) } ?? .works }

    /// An obstacle that every user can see.
    private static var obstacle: KVMObstacle? {
        guard exists("/dev/kvm") else { return .absent }
        return isForeign ? .foreign : nil
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
            return text.isEmpty ? .works : .unusable(.wrong)
        }
        let (verdict, isFinal) = Self.judge(clinux_kvm_probe(Self.deadlineMilliseconds))
        // An empty file: it works. Only one obstacle is final.
        if isFinal, let key { cache.write(key, verdict == .works ? [] : Array("wrong".utf8), replacing: "kvm-") }
        return verdict
    }

    /// The meaning of the test guest's result, and whether it will stay the same until the next boot.
    static func judge(_ result: Int64) -> (verdict: KVMVerdict, isFinal: Bool) {
        if result >= 0 { return (.works, true) }
        return switch Errno(rawValue: CInt(-result)) {
        case .timedOut: (.unusable(.stuck), false)
        case .execFormatError: (.unusable(.wrong), true)
        case let error: (.unusable(.failed(error)), false)
        }
    }
}
