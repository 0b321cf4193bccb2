import BridgeNet

extension AddressReport {
    /// Why there is no address to report; nil if there is one.
    ///
    /// - Parameter wait: How long kvmctl waited for one; nil: only what is known now was asked for.
    package func problem(after wait: Duration?) -> VMError? {
        let isSatisfied = wait == nil ? !addresses.isEmpty : wish.isSatisfied(by: all, canHear: canHear)
        if isSatisfied { return nil }
        let details =
            all.map(\.whyNot)
            + (state == .paused || state == .sleeping ? ["the VM is \(state.rawValue) and sends nothing"] : [])
            + nics.compactMap { nic in nic.story.map { "NET\(nic.index) (\(nic.place)): \($0)" } }
            + answers.map { "\($0.source.rawValue): \($0.text)" }
        return VMError(
            wait == nil ? .unavailable : .timedOut, vm.description,
            wait.map { "no \(wish.kind) in \($0.components.seconds) s" } ?? "no \(wish.kind) is known",
            remedy: remedy(waited: wait != nil), details: details)
    }

    /// What the user should know besides the addresses.
    package var notices: [String] {
        let unreachable = nics.filter { nic in nic.network == "user" && addresses.contains { $0.nic == nic.index } }
        return unreachable.compactMap { nic in nic.story.map { "NET\(nic.index) is \($0)" } }
    }

    private func remedy(waited: Bool) -> Remedy {
        if all.contains(where: \.address.isLinkLocal), !wish.linkLocal {
            return "fix the guest's DHCP or router, or take a link-local address: \(command: "kvmctl ip --any \(vm)")"
        }
        if nics.allSatisfy({ $0.network == "user" }) {
            return forwards.isEmpty
                ? "forward a port, such as FORWARD0=tcp:127.0.0.1:2222:22, in its params file"
                : "connect to a forwarded port: \(forwards.map { "\($0)" }.joined(separator: ", "))"
        }
        return waited
            ? "look into the guest: \(command: "kvmctl console \(vm)")"
            : "wait for one: \(command: "kvmctl ip --wait 60s \(vm)"); or install qemu-guest-agent in the guest"
    }
}

extension AddressFilter {
    fileprivate var kind: String {
        switch family {
        case nil: "address"
        case .ipv4: "IPv4 address"
        case .ipv6: "IPv6 address"
        }
    }
}

extension GuestAddress {
    /// Why an address does not count as an answer.
    fileprivate var whyNot: String {
        let knowers = sources.map(\.rawValue).joined(separator: ", ")
        return isConfirmed
            ? "known, but not what was asked for: \(text) (\(knowers))"
            : "remembered, but not heard from the guest now: \(text) (\(knowers))"
    }
}

extension AddressReport.NIC {
    /// The network and the interface: `bridge:br0, tap0`.
    fileprivate var place: String { [network, tap].compactMap(\.self).joined(separator: ", ") }
}
