import SystemPackage
import VMCore
import VMHost

extension NetworkManaging {
    /// Who else configures an interface, by what those programs write down of each (systemd-networkd in its state files,
    /// NetworkManager in its own); nil: nobody, or somebody who knows that it is a bridge's port.
    init?(of link: UInt32, controller: UInt32) {
        if let state = Self.settings(of: FilePath("/run/systemd/netif/links/\(link)")),
            !["", "unmanaged"].contains(state["ADMIN_STATE"] ?? ""), let file = state["NETWORK_FILE"],
            Self.settings(of: FilePath(file))?["Bridge"] == nil
        {
            self = .networkd(file: file)
            return
        }
        // A bridge of its own making it manages too.
        guard Self.isManagedByNetworkManager(link), !Self.isManagedByNetworkManager(controller) else { return nil }
        self = .networkManager
    }

    private static func isManagedByNetworkManager(_ link: UInt32) -> Bool {
        settings(of: FilePath("/run/NetworkManager/devices/\(link)"))?["managed"] == "true"
    }

    /// The `KEY=VALUE` lines of a file.
    private static func settings(of file: FilePath) -> [String: String]? {
        guard let bytes = try? readFile(file) else { return nil }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").reduce(into: [:]) { found, line in
            let parts = line.split(separator: "=", maxSplits: 1)
            if parts.count == 2 { found[String(parts[0])] = String(parts[1]) }
        }
    }
}
