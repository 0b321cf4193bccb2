import BridgeNet
import Glibc
import SystemPackage
import VMCore

/// A change to the host's network that may have to be undone or completed, as it stands in its journal.
struct ChangeRecord: Equatable {
    /// The bridge that it is about.
    var bridge: InterfaceName
    /// What that one is known by, among them its number, under which its neighbours are known.
    var identity: BridgeIdentity
    /// The routers that answered before, and have to go on answering.
    var gateways: [IPAddress]
    /// What undoes it.
    var undo: NetworkScript
    /// What completes it, once nothing of it can be undone any more.
    var finish: NetworkScript
    /// The boot and the network namespace that it was made in: elsewhere its numbers mean other things.
    var place: Place
    /// When the trial ends, in seconds of `BootClock`; nil where it is none.
    var end: Int64?

    struct Place: Equatable {
        var boot: String
        var namespace: Int64

        /// Where this process is.
        static func current() throws(VMError) -> Place {
            Place(boot: try Whereabouts.boot(), namespace: try Whereabouts.networkNamespace())
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

    /// Reads what `json` wrote; nil where it is not all there.
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
