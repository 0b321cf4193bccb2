/// What runs the guest's instructions.
package enum Accelerator: String {
    case kvm, tcg

    /// The one that `ACCEL` chooses on this host; nil if it asks for KVM, which can't be used.
    package init?(_ choice: AccelChoice, _ kvm: KVMVerdict) {
        switch (choice, kvm) {
        case (.tcg, _): self = .tcg
        case (_, .works): self = .kvm
        case (.auto, .unusable): self = .tcg
        case (.kvm, .unusable): return nil
        }
    }
}
