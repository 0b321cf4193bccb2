import SystemPackage

/// The devices behind network cards.
package enum DeviceChecks {
    static func all(_ facts: DoctorFacts) -> [Finding] {
        guard facts.isRoot else { return [] }
        return [tap(facts.host.tun), vhost(facts.host.vhostNet)]
    }

    private static func tap(_ device: DeviceCondition) -> Finding {
        guard let fault = device.tapFault else { return .ok(DeviceCondition.tunPath, "opens") }
        return .problem(DeviceCondition.tunPath, fault.cause, fix: Finding.Fix(fault.remedy))
    }

    private static func vhost(_ device: DeviceCondition) -> Finding {
        let (subject, effect) = ("vhost-net", "each packet goes through QEMU, which takes more CPU time")
        return switch device {
        case .usable: .ok(subject, "moves packets in the kernel")
        case .refused(let errno):
            .warning(
                subject, "/dev/vhost-net can't be opened: \(errno.description): \(effect)",
                fix: .step("allow access to it in the container or VM that this host itself runs in"))
        case .missing(.none):
            .warning(
                subject, "this kernel does not have it: \(effect)",
                fix: .step("if that matters, run a kernel with CONFIG_VHOST_NET"))
        case .another:
            .warning(
                subject, "/dev/vhost-net is not the device that belongs there: \(effect)",
                fix: .step("find out what created it"))
        case .missing: .warning(subject, "is not loaded: \(effect)", fix: .command("modprobe vhost_net"))
        }
    }
}
