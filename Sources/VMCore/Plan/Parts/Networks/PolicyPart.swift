import BridgeNet

extension LaunchPlanner {
    /// `_RATE` and `_FILTER`.
    mutating func planPolicy(_ nic: VMParams.NIC, _ mac: MACAddress) {
        guard let first = nic.filter?.origin ?? nic.rate?.origin else { return }
        // Within quotes, nft has neither an escape character nor a literal asterisk.
        let isPlain = nic.tap?.value.description.isPlain(and: "._-@+") ?? true
        if !isPlain, let tap = nic.tap {
            refuse(
                .badData, place(tap.origin), "nft has no notation for an interface called \(tap.value)",
                remedy: "use letters, digits, '.', '_' and '-', or remove the line")
        }
        guard facts.isRoot else {
            refuse(
                .denied, place(first), "limits and filters need root", remedy: "run kvmctl as root, or remove the line")
            return
        }
        plan.policies.append(
            PortPolicy(nic: nic.index, mac: mac, rate: nic.rate?.value, filter: nic.filter?.value))
    }

    /// The rules are made once all taps exist, and the VM holds them as one.
    mutating func planPolicies() {
        if !plan.policies.isEmpty { _ = inherit(.portRules) }
    }
}
