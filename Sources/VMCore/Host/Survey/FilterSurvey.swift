import Glibc
import SystemPackage

extension FilterCondition {
    /// Asks the programs that know the filters; those that are not there keep none.
    ///
    /// - Parameter unseen: is told what could not be looked at.
    init(noting unseen: inout [VMError]) {
        seesBridgedIPv4 = Self.isOn("bridge-nf-call-iptables")
        seesBridgedIPv6 = Self.isOn("bridge-nf-call-ip6tables")
        guard geteuid() == 0 else {
            unseen.append(
                VMError(.denied, "firewall", "only root can look at it", remedy: "look as root: `sudo kvmctl doctor`"))
            return
        }
        do throws(VMError) { firewall = try Self.read() } catch { unseen.append(error) }
    }

    private static func isOn(_ setting: String) -> Bool {
        Sysctl(key: "net/bridge/\(setting)").value == "1"
    }

    private static func read() throws(VMError) -> Firewall {
        var firewall = Firewall()
        if let text = try output(of: .nft, ["-j", "list", "ruleset"]) {
            // The document is a line; what nft warns of may stand before it.
            let line = text.split(separator: UInt8(ascii: "\n")).first { $0.first == UInt8(ascii: "{") } ?? []
            guard let document = try? JSON(parsing: line) else {
                throw VMError(
                    .unavailable, "firewall", "nft shows its rules in a way that kvmctl does not understand",
                    remedy: "look at them: `nft list ruleset`")
            }
            firewall = Firewall(nftables: document)
        }
        for (family, program) in [(Firewall.Family.ip, "iptables"), (.ip6, "ip6tables")] {
            // Of the legacy kind only where there is one already: to ask would load it.
            let hasLegacy = (try? readFile(FilePath("/proc/net/\(family.rawValue)_tables_names")))?.isEmpty == false
            let kinds: [(String, Firewall.Keeper)] =
                hasLegacy
                ? [("\(program)-nft-save", .iptables), ("\(program)-legacy-save", .legacyIPTables)]
                : [("\(program)-nft-save", .iptables)]
            for (name, keeper) in kinds {
                guard let text = try output(of: Tool(name: name, package: "iptables"), ["-t", "filter"]) else {
                    continue
                }
                firewall.add(savedByIPTables: String(decoding: text, as: UTF8.self), family: family, keeper: keeper)
            }
        }
        return firewall
    }

    /// What a program prints; nil where the host does not have it.
    private static func output(of tool: Tool, _ arguments: [String]) throws(VMError) -> [UInt8]? {
        guard tool.path != nil else { return nil }
        return try tool.run(arguments, for: "firewall")
    }
}
