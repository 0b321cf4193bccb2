import BridgeKernel
import BridgeNet
import SystemPackage
import VMCore
import VMHost

/// The host interface of a NIC, created and held open.
struct HeldPort {
    /// The n of `NETn`.
    var nic: Int
    var name: InterfaceName
    var identity: PortIdentity
    /// How many queues it has.
    var queues: Int

    var isMacvtap: Bool { identity.kind == "macvtap" }
}

extension DescriptorTable {
    /// Creates a tap, joins it to its bridge, and holds its queues.
    mutating func holdTap(
        _ planned: LaunchPlan.PlannedTap, of plan: LaunchPlan, using route: inout RouteSocket?
    ) throws(NetworkError) {
        let tap = try Tap(named: planned.name, isMultiqueue: planned.queues > 1)
        let numbers = plan.queueNumbers(of: planned.nic)
        for number in numbers.dropFirst() { hold(queue: try tap.openQueue(), as: number) }
        let identity = try Self.asking(&route) { (socket) throws(NetworkError) in
            try tap.join(
                bridge: planned.bridge, alias: plan.name.description, mtu: planned.mtu, vlans: planned.vlans,
                using: &socket)
        }
        ports.append(HeldPort(nic: planned.nic, name: tap.name, identity: identity, queues: planned.queues))
        let first = tap.release()
        for number in numbers.prefix(1) { hold(queue: first, as: number) }
    }

    /// Creates a macvtap link, which is removed when its VM is gone, and holds its queues.
    ///
    /// - Returns: the hold on the link.
    mutating func holdMacvtap(
        _ planned: LaunchPlan.PlannedMacvtap, of plan: LaunchPlan, _ paths: Paths, using route: inout RouteSocket?
    ) throws(VMError) -> OwnedDescriptor {
        let resource = HostResource("macvtap.\(plan.name).net\(planned.nic)", in: paths)
        return try resource.hold(for: plan.name) { (journal) throws(VMError) in
            let macvtap = try Self.makeMacvtap(planned, alias: plan.name, &journal, using: &route)
            // The journal has its MAC address from before its creation; its index holds even if that address changes.
            try journal.note(.port(macvtap.identity, boot: try BootAndNamespaces.boot()))
            do throws(NetworkError) {
                for number in plan.queueNumbers(of: planned.nic) {
                    hold(queue: try macvtap.openQueue(isMultiqueue: planned.queues > 1), as: number)
                }
            } catch { throw VMError(error) }
            ports.append(
                HeldPort(nic: planned.nic, name: macvtap.name, identity: macvtap.identity, queues: planned.queues))
        }
    }

    /// Records the VM's taps. They vanish with their descriptors, but a process that has one can make the tap
    /// persistent or pass the descriptor on.
    ///
    /// - Returns: the hold on them.
    func holdTaps(
        of plan: LaunchPlan, _ paths: Paths, using route: inout RouteSocket?
    ) throws(VMError) -> OwnedDescriptor {
        let boot = try BootAndNamespaces.boot()
        return try HostResource("taps.\(plan.name)", in: paths).hold(for: plan.name) { (journal) throws(VMError) in
            for port in ports where !port.isMacvtap {
                try journal.note(.port(port.identity, boot: boot))
                try Self.refuseShared(port, using: &route)
            }
        }
    }

    /// Until a tap with several queues has an owner, every account can attach to it. And if root has renamed it, rules
    /// that match its name would apply to another interface.
    private static func refuseShared(_ port: HeldPort, using route: inout RouteSocket?) throws(VMError) {
        let found: Link?
        do throws(NetworkError) {
            found = try asking(&route) { (socket) throws(NetworkError) in
                try socket.link(numbered: port.identity.index)
            }
        } catch { throw VMError(error) }
        guard let found, port.identity.isThat(of: found), found.name == port.name.description,
            found.tap.map({ !$0.isPersistent && $0.owner == 0 && $0.queues.map(Int.init) ?? 1 == port.queues }) ?? true
        else {
            throw VMError(
                .busy, port.name.description, "somebody else has opened, renamed or removed the tap since it was made",
                remedy: "find out who before you start the VM again")
        }
    }

    /// Retries with another name: a free name may be taken before it is used.
    private static func makeMacvtap(
        _ planned: LaunchPlan.PlannedMacvtap, alias: VMName, _ journal: inout ResourceJournal,
        using route: inout RouteSocket?
    ) throws(VMError) -> Macvtap {
        var attempts = planned.name == nil ? 16 : 1
        while true {
            let name = if let own = planned.name { own } else { try freeMacvtapName(using: &route) }
            try journal.note(.link(name, mac: planned.mac))
            do throws(NetworkError) {
                return try asking(&route) { (socket) throws(NetworkError) in
                    try Macvtap(
                        creating: name, on: planned.device, mac: planned.mac, alias: alias.description,
                        mtu: planned.mtu, using: &socket)
                }
            } catch {
                attempts -= 1
                guard error.code == .exists, attempts > 0 else { throw VMError(error) }
            }
        }
    }

    private static func freeMacvtapName(using route: inout RouteSocket?) throws(VMError) -> InterfaceName {
        do throws(NetworkError) {
            return try asking(&route) { (socket) throws(NetworkError) in try Macvtap.freeName(using: &socket) }
        } catch { throw VMError(error) }
    }

    /// Creates the filter rules of the VM's NICs, and limits the rate of what leaves their interfaces.
    ///
    /// - Returns: the hold on the rules.
    func holdPortRules(
        of plan: LaunchPlan, _ paths: Paths, using route: inout RouteSocket?
    ) throws(VMError) -> OwnedDescriptor {
        var rules: [PortRules.Port] = []
        do throws(NetworkError) {
            for policy in plan.policies {
                guard let port = ports.first(where: { $0.nic == policy.nic }) else { continue }
                rules.append(try rule(for: policy, on: port, using: &route))
            }
        } catch { throw VMError(error) }
        let table = PortRules.table(of: plan.name)
        let script = PortRules(table: table, ports: rules).script
        return try HostResource("rules.\(plan.name)", in: paths).hold(for: plan.name) { (journal) throws(VMError) in
            try RuleTable(family: "netdev", name: table, script: script)
                .make(noting: &journal, in: paths, for: "the limits and filters of \(plan.name)")
        }
    }

    private func rule(
        for policy: PortPolicy, on port: HeldPort, using route: inout RouteSocket?
    ) throws(NetworkError) -> PortRules.Port {
        var rule = PortRules.Port(policy: policy, device: port.name, isMacvtap: port.isMacvtap)
        rule.addresses =
            switch policy.filter?.addresses {
            case .list(let addresses): addresses
            case .lease: nat?.stations.filter { $0.nic == policy.nic }.compactMap(\.address) ?? []
            case nil: nil
            }
        if let rate = policy.rate {
            rule.bucket = try Self.asking(&route) { (socket) throws(NetworkError) in
                try socket.limit(port.identity, toBytesPerSecond: UInt64(rate.bytesPerSecond))
            }
        }
        return rule
    }

    private mutating func hold(queue: CInt, as number: CInt) {
        hold(OwnedDescriptor(FileDescriptor(rawValue: queue)), as: number)
    }

    /// Asks the kernel over a socket that is opened once and reused throughout the start.
    private static func asking<Answer>(
        _ route: inout RouteSocket?, _ body: (inout RouteSocket) throws(NetworkError) -> Answer
    ) throws(NetworkError) -> Answer {
        var socket: RouteSocket
        if let open = route.take() { socket = open } else { socket = try RouteSocket() }
        let answer = try body(&socket)
        route = consume socket
        return answer
    }
}

extension LaunchPlan {
    /// QEMU's descriptor numbers for the queues of a NIC, in order.
    fileprivate func queueNumbers(of nic: Int) -> [CInt] {
        descriptors.compactMap { descriptor in
            if case .tap(nic, _) = descriptor.role { descriptor.number } else { nil }
        }
    }
}
