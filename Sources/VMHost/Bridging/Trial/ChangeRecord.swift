import BridgeNet
import Glibc
import SystemPackage
import VMCore

/// A change to the host's network that may have to be rolled back or completed, as its journal records it.
struct ChangeRecord: Equatable {
    /// The bridge to be changed.
    var bridge: InterfaceName
    /// What identifies the bridge: its MACs, and its index, by which its neighbours are found.
    var identity: BridgeIdentity
    /// The gateways that answered before, and have to keep answering.
    var gateways: [IPAddress]
    /// The steps that roll it back.
    var undo: NetworkScript
    /// The steps that complete it, once it can't be rolled back any longer.
    var finish: NetworkScript
    /// The boot and the network namespace that it was made in. Elsewhere its interface indexes mean nothing.
    var place: Place
    /// When the trial ends, in seconds of `BootClock`; nil if the change is not on trial.
    var end: Int64?

    struct Place: Equatable {
        var boot: String
        var namespace: Int64

        /// This process's place.
        static func current() throws(VMError) -> Place {
            Place(boot: try BootAndNamespaces.boot(), namespace: try BootAndNamespaces.networkNamespace())
        }
    }
}

extension ChangeRecord {
    var json: JSON {
        [
            "bridge": .string(bridge.description), "link": .integer(Int64(identity.link)),
            "macs": .array(identity.macs.map { .string($0.description) }), "end": end.map(JSON.integer) ?? .null,
            "gateways": .array(gateways.map { .string($0.description) }), "boot": .string(place.boot),
            "namespace": .integer(place.namespace), "undo": .array(undo.lines.map(JSON.string)),
            "finish": .array(finish.lines.map(JSON.string)),
        ]
    }

    /// Reads the form that `json` writes; nil if something is missing.
    init?(_ json: JSON) {
        guard let bridge = json["bridge"]?.string.flatMap({ InterfaceName($0) }), let link = json["link"]?.integer,
            let macs = json["macs"]?.array,
            let gateways = json["gateways"]?.array, let boot = json["boot"]?.string,
            let namespace = json["namespace"]?.integer, let lines = json["undo"]?.array,
            let undo = NetworkScript(lines: lines.compactMap(\.string)), let last = json["finish"]?.array,
            let finish = NetworkScript(lines: last.compactMap(\.string))
        else { return nil }
        self.init(
            bridge: bridge,
            identity: BridgeIdentity(
                link: UInt32(clamping: link), macs: Set(macs.compactMap { $0.string.flatMap { MACAddress($0) } })),
            gateways: gateways.compactMap { $0.string.flatMap { IPAddress($0) } }, undo: undo,
            finish: finish, place: Place(boot: boot, namespace: namespace), end: json["end"]?.integer)
    }
}
