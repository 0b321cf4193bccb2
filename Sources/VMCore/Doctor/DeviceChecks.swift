import SystemPackage

/// The devices behind network cards.
enum DeviceChecks {
    static func all(_ facts: DoctorFacts) -> [Finding] {
        guard facts.isRoot else { return [] }
        return [tap(facts.host.tun), vhost(facts.host.vhostNet)]
    }

    private static func tap(_ device: DeviceCondition) -> Finding {
        let (subject, effect) = ("/dev/net/tun", "no VM can have a tap")
        return switch device {
        case .usable: .ok(subject, "opens")
        case .refused(let errno):
            .problem(
                subject, "does not open: \(errno.description): \(effect)",
                mend: .step("allow it: root is refused by whatever this host itself runs in"))
        case .missing(.running):
            .problem(
                subject, "is missing, though its driver is there: \(effect)",
                mend: .command(("mkdir -p /dev/net" as ShellCommand).and("mknod -m 666 /dev/net/tun c 10 200")))
        case .missing: .problem(subject, "is missing: \(effect)", mend: .command("modprobe tun"))
        }
    }

    private static func vhost(_ device: DeviceCondition) -> Finding {
        let (subject, effect) = ("vhost-net", "each packet goes through QEMU, which takes more processor time")
        return switch device {
        case .usable: .ok(subject, "moves packets in the kernel")
        case .refused(let errno):
            .warning(
                subject, "/dev/vhost-net does not open: \(errno.description): \(effect)",
                mend: .step("allow it: root is refused by whatever this host itself runs in"))
        case .missing(.none):
            .warning(
                subject, "this kernel does not have it: \(effect)",
                mend: .step("where that matters, run a kernel with CONFIG_VHOST_NET"))
        case .missing: .warning(subject, "is not loaded: \(effect)", mend: .command("modprobe vhost_net"))
        }
    }
}
