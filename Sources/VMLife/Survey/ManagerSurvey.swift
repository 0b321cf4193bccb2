import SystemPackage
import VMCore
import VMHost

extension NetworkManaging {
    /// The other program that configures an interface, according to the state files of systemd-networkd and
    /// NetworkManager; nil if there is none, or if it knows that the interface is a bridge's port.
    init?(of link: UInt32, controller: UInt32) {
        if let state = Self.settings(of: FilePath("/run/systemd/netif/links/\(link)")),
            !["", "unmanaged"].contains(state["ADMIN_STATE"] ?? ""), let file = state["NETWORK_FILE"],
            Self.settings(of: FilePath(file))?["Bridge"] == nil
        {
            self = .networkd(file: file)
            return
        }
        // NetworkManager also manages the bridges that it made itself.
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
