public import BridgeNet

/// The host's bridges, as kvmctl makes and shows them.
public enum Bridges {
    /// A bridge and what is connected to it.
    public struct Bridge: Sendable {
        /// Its name.
        public var name: String
        /// Whether it is up.
        public var isUp: Bool
        /// Its MTU in bytes.
        public var mtu: Int
        /// Its address.
        public var mac: String
        /// Its ports; the alias of a VM's tap is the VM's name.
        public var ports: [(name: String, alias: String?)]
    }

    /// What has to be done to the host's network, computed and not yet done.
    public struct Change: Sendable {
        private let operations: [NetworkOperation]

        init(_ operations: [NetworkOperation]) { self.operations = operations }

        /// Whether all is as it should be.
        public var isEmpty: Bool { operations.isEmpty }
        /// Each step in words.
        public var steps: [String] { operations.map(\.description) }

        /// Does it; on a failure what was done is undone.
        public func carryOut() throws(VMError) {
            guard !isEmpty else { return }
            try routing { (socket) throws(NetworkError) in try socket.perform(operations) }
        }
    }

    /// What it takes for a bridge to be there and up.
    ///
    /// - Parameter mtu: its MTU in bytes; nil: as it is, or the kernel's default.
    public static func up(_ name: InterfaceName, mtu: Int?) throws(VMError) -> Change {
        try routing { (socket) throws(NetworkError) in
            // The host's own, for ever: without one the bridge's address would change as taps come and go. A host that
            // has nothing of its own gets a new one with each bridge: two such hosts must not have the same.
            let host = Array(HostProbe.machineID.utf8)
            let seed = host.isEmpty ? (0..<16).map { _ in UInt8.random(in: 0...255) } : host
            let mac = BridgeSpec.defaultMAC(name: name, seed: seed)
            let spec = try BridgeSpec(name: name, mac: mac, mtu: mtu)
            return Change(try BridgePlan.up(spec, found: try socket.links()))
        }
    }

    /// What it takes for a bridge to be gone.
    public static func down(_ name: InterfaceName) throws(VMError) -> Change {
        try routing { (socket) throws(NetworkError) in
            Change(try BridgePlan.down(name, found: try socket.links()))
        }
    }

    /// Every bridge, sorted by name.
    public static func all() throws(VMError) -> [Bridge] {
        let links = try routing { (socket) throws(NetworkError) in try socket.links() }
        return links.filter(\.isBridge).map { bridge in
            let ports = links.filter { $0.controller == bridge.index }.map { (name: $0.name, alias: $0.alias) }
            return Bridge(
                name: bridge.name, isUp: bridge.isUp, mtu: bridge.mtu, mac: bridge.mac?.description ?? "",
                ports: ports.sorted { $0.name < $1.name })
        }.sorted { $0.name < $1.name }
    }

    /// All that the kernel has, for what is said of a bridge in configuration files.
    static func kernel() throws(VMError) -> FoundBridge.Kernel {
        try routing { (socket) throws(NetworkError) in
            FoundBridge.Kernel(
                links: try socket.links(), addresses: try socket.addresses(), routes: try socket.routes(),
                rules: try socket.rules())
        }
    }

    static func routing<Result>(
        _ body: (inout RouteSocket) throws(NetworkError) -> Result
    ) throws(VMError) -> Result {
        do throws(NetworkError) {
            var socket = try RouteSocket()
            return try body(&socket)
        } catch {
            throw VMError(error)
        }
    }
}
