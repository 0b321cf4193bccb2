/// The processor: KVM.
package enum KVMChecks {
    static func all(_ facts: DoctorFacts) -> [Finding] { [kvm(facts.host, isRoot: facts.isRoot)] }

    private static func kvm(_ host: HostCondition, isRoot: Bool) -> Finding {
        guard case .unusable(let obstacle) = host.kvm else { return .ok("KVM", "runs guests") }
        // Guests still run; a VM that insists on KVM is reported by its own check.
        return .warning(
            "KVM", "\(obstacle): guests are emulated, about ten times slower", fix: fix(host, isRoot: isRoot))
    }

    private static func fix(_ host: HostCondition, isRoot: Bool) -> Finding.Fix {
        let change = Finding.Fix.step("use a host with VT-x or AMD-V, or a VM whose host nests virtualization")
        if host.kvmIsForeign { return change }
        switch host.kvmDevice {
        case .missing:
            guard let module = host.kvmModule else {
                return .step(
                    "switch on virtualization (VT-x, AMD-V) in the firmware's setup; in a VM, nest it on its host")
            }
            return .command("modprobe \(module)")
        case .refused where isRoot:
            let group: ShellCommand = "groupadd --force --system kvm"
            return .command(group.and("chgrp kvm /dev/kvm").and("chmod 660 /dev/kvm"))
        case .refused: return .step("\(command: "sudo usermod -aG kvm \(host.user)"), then log in again")
        case .usable, .another: return change
        }
    }
}
