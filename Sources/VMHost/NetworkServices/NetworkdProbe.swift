import BridgeNet
import Glibc
import SystemPackage
import VMCore

extension NetworkServiceProbe {
    /// systemd-networkd's configuration (systemd.network(5)).
    var networkd: ServiceFacts {
        var facts = ServiceFacts(service: .networkd)
        guard Self.isInUse("systemd-networkd.service") else { return facts }
        facts.evidence = .isInUse
        let files = Self.networkFiles()
        for link in links { look(for: link, in: files, &facts) }
        return facts
    }

    private struct NetworkFile {
        var path: String
        var name: String
        var text: String
        var settings: SectionedText
    }

    /// In the order in which networkd reads them: by name. Of files with the same name only the first directory's
    /// counts.
    private static func networkFiles() -> [NetworkFile] {
        let directories = ["/etc", "/run", "/usr/local/lib", "/usr/lib"].map { "\($0)/systemd/network" }
        var seen: Set<String> = []
        let found = files(in: directories).compactMap { path -> NetworkFile? in
            let name = FilePath(path).lastComponent?.string ?? ""
            guard name.hasSuffix(".network"), seen.insert(name).inserted, let text = text(path) else { return nil }
            return NetworkFile(path: path, name: name, text: text, settings: SectionedText(text))
        }
        return found.sorted { $0.name < $1.name }
    }

    /// Examines the files that match a link, up to the first that is not ours: networkd uses only the first match.
    private func look(for link: Link, in files: [NetworkFile], _ facts: inout ServiceFacts) {
        for file in files where Self.matches(file.settings, link) {
            facts.nameservers.add(file.settings.words("Network", "DNS"), file.settings.words("Network", "Domains"))
            if facts.isOurs(file.text, bridge) { continue }
            let ours = NetworkdFiles.prefix + bridge.description
            facts.places.append(
                ConfiguredPlace(
                    file: file.path, link: link.name, givesWay: ours < file.name,
                    isShared: !Self.isFor(link, alone: file.settings)))
            return
        }
    }

    /// [Match]: all conditions have to match. A file with a condition that is unknown here counts as not matching.
    private static func matches(_ settings: SectionedText, _ link: Link) -> Bool {
        let known: Set = ["Name", "MACAddress", "PermanentMACAddress", "Type"]
        let said = settings.keys("Match")
        guard !said.isEmpty, said.isSubset(of: known) else { return false }
        let names = settings.words("Match", "Name")
        let macs = settings.words("Match", "MACAddress") + settings.words("Match", "PermanentMACAddress")
        let types = settings.words("Match", "Type")
        return (names.isEmpty || fits(link.name, names))
            && (macs.isEmpty || macs.contains { MACAddress($0) == link.mac })
            && (types.isEmpty || fits(link.isBridge ? "bridge" : "ether", types))
    }

    /// Whether a file that matches a link matches no other.
    private static func isFor(_ link: Link, alone settings: SectionedText) -> Bool {
        settings.words("Match", "Name") == [link.name]
            || (settings.words("Match", "MACAddress") + settings.words("Match", "PermanentMACAddress")).count == 1
    }

    /// Whether one of the patterns matches. With a leading `!`: whether none does.
    private static func fits(_ word: String, _ patterns: [String]) -> Bool {
        let isInverted = patterns.first?.hasPrefix("!") == true
        return patterns.contains { fnmatch(String($0.trimmingPrefix("!")), word, 0) == 0 } != isInverted
    }
}
