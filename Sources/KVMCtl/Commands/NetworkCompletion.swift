import ArgumentParser
import VMHost

extension CompletionKind {
    /// The bridges that there are.
    static let bridge = custom { _, _, _ in bridges }

    /// The host's own interfaces, one of which may become an uplink.
    static let device = custom { _, _, _ in (try? Bridges.devices()) ?? [] }

    /// Networks for a NIC. The kinds that take a name are offered with those that are there.
    static let network = custom { _, _, _ in
        let devices = (try? Bridges.devices()) ?? []
        let networks = ((try? Bridges.all()) ?? []).map(\.network).filter { $0 != "nat" }
        return ["nat", "user", "none"] + networks + devices.map { "macvtap:\($0)" }
    }

    private static var bridges: [String] {
        ((try? Bridges.all()) ?? []).filter { $0.network.hasPrefix("bridge:") }.map(\.name)
    }
}
