import SystemPackage

/// Whether KVM can be used.
package enum KVMVerdict: Equatable, Sendable {
    /// Stock guests run.
    case works
    /// Guests don't run.
    case unusable(KVMObstacle)
}

/// Why KVM can't be used.
package enum KVMObstacle: Equatable, Sendable {
    /// The VM is not to use it (`ACCEL=tcg`).
    case notWanted
    /// The host has no /dev/kvm.
    case absent
    /// The host's only KVM is kvm_pvm, for paravirtual guests.
    case foreign
    /// QEMU's user can't open /dev/kvm; its owner and mode, in words, if they can be seen.
    case closed(owner: String?)
    /// A test guest made no progress.
    case stuck
    /// A test guest ran, but with wrong results.
    case wrong
    /// A test guest can't be run.
    case failed(Errno)
}

extension KVMObstacle: CustomStringConvertible {
    /// In one clause.
    package var description: String {
        switch self {
        case .notWanted: "ACCEL=tcg"
        case .absent:
            "this host has no /dev/kvm (no kvm_intel or kvm_amd loaded, or virtualization off in the BIOS)"
        case .foreign: "the only KVM of this host is kvm_pvm, which can't run stock guests"
        case .closed(let owner): "QEMU's user can't open /dev/kvm\(owner.map { " (of \($0))" } ?? "")"
        case .stuck: "a test guest on /dev/kvm made no progress within a second"
        case .wrong: "a test guest on /dev/kvm did not run correctly"
        case .failed(let errno): "a test guest on /dev/kvm can't be run: \(errno.description)"
        }
    }
}
