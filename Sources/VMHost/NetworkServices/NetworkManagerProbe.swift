import BridgeNet
import VMCore

extension NetworkServiceProbe {
    /// NetworkManager's configuration (nm-settings-keyfile(5)).
    var networkManager: ServiceFacts {
        var facts = ServiceFacts(service: .networkmanager)
        guard Self.isInUse("NetworkManager.service") else { return facts }
        facts.evidence = .isInUse
        // The profile may exist in NetworkManager's memory alone.
        let isActive = links.contains { link in
            Self.text("/run/NetworkManager/devices/\(link.index)")?.contains("connection-uuid=") == true
        }
        if isActive { facts.raise(.configuresLink) }
        for path in Self.files(in: [NetworkManagerFiles.directory, "/run/NetworkManager/system-connections"]) {
            if let text = Self.text(path) { look(at: path, text, &facts) }
        }
        return facts
    }

    private func look(at path: String, _ text: String, _ facts: inout ServiceFacts) {
        let settings = SectionedText(text)
        let named = settings.values("connection", "interface-name")
        for link in links where named.contains(link.name) {
            for family in ["ipv4", "ipv6"] {
                facts.nameservers.add(settings.words(family, "dns"), settings.words(family, "dns-search"))
            }
            if facts.isOurs(text, bridge) { continue }
            let priority = settings.values("connection", "autoconnect-priority").last.flatMap { Int($0) } ?? 0
            let givesWay = priority < NetworkManagerFiles.priority
            facts.places.append(ConfiguredPlace(file: path, link: link.name, givesWay: givesWay))
        }
    }
}
