import BridgeNet
import Glibc
import SystemPackage
import VMCore

extension NetworkServiceProbe {
    private static let interfaces = "/etc/network/interfaces"

    /// ifupdown's configuration (interfaces(5)).
    var ifupdown: ServiceFacts {
        var facts = ServiceFacts(service: .ifupdown)
        guard Self.exists("/usr/sbin/ifup") || Self.exists("/sbin/ifup") else { return facts }
        let main = InterfacesText(Self.text(Self.interfaces) ?? "")
        for path in [Self.interfaces] + main.filesDrawnIn {
            if let text = Self.text(path) { look(at: path, text, &facts) }
        }
        if !main.drawsIn(IfupdownFile.path(bridge)) {
            let source: ShellCommand = "echo \("source \(IfupdownFile.directory)/*")"
            facts.obstacle = .init(
                file: Self.interfaces, cause: "does not include the files in \(IfupdownFile.directory)",
                remedy: .run("add the line", source.appending(to: Self.interfaces)))
        }
        return facts
    }

    private func look(at path: String, _ text: String, _ facts: inout ServiceFacts) {
        let stanzas = InterfacesText(text).stanzas
        if stanzas.contains(where: { $0.link != "lo" }) { facts.raise(.isInUse) }
        let relevant = stanzas.filter { stanza in links.contains { $0.name == stanza.link } }
        for stanza in relevant { facts.nameservers.add(stanza.nameservers.servers, stanza.nameservers.domains) }
        if relevant.isEmpty || facts.isOurs(text, bridge) { return }
        facts.places += relevant.map {
            ConfiguredPlace(file: path, lines: $0.lines, link: $0.link, givesWay: false)
        }
    }
}

extension InterfacesText {
    private static let home = FilePath("/etc/network")

    /// The files that it includes, one level deep.
    fileprivate var filesDrawnIn: [String] {
        let listed = directories.flatMap { directory in
            let path = Self.home.pushing(FilePath(directory))
            let plain = ((try? names(in: path)) ?? []).filter { $0.isPlain(and: Self.otherBytes) }
            return plain.map { path.appending($0).string }
        }
        return sources.flatMap { Self.expand(Self.home.pushing(FilePath($0)).string) } + listed
    }

    /// Whether a file would be included if it existed.
    fileprivate func drawsIn(_ path: String) -> Bool {
        let file = FilePath(path)
        let isListed = directories.contains { Self.home.pushing(FilePath($0)) == file.removingLastComponent() }
        return sources.contains { fnmatch(Self.home.pushing(FilePath($0)).string, path, FNM_PATHNAME) == 0 }
            || isListed && file.lastComponent?.string.isPlain(and: Self.otherBytes) == true
    }

    /// `source-directory` skips names with bytes other than letters, digits and these.
    private static let otherBytes = "-_"

    private static func expand(_ pattern: String) -> [String] {
        var found = glob_t()
        defer { globfree(&found) }
        guard glob(pattern, 0, nil, &found) == 0 else { return [] }
        return (0..<Int(found.gl_pathc)).compactMap { found.gl_pathv[$0].map { String(cString: $0) } }
    }
}
