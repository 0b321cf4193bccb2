import Glibc
import SystemPackage
import VMCore
import VMHost

extension FilterCondition {
    /// Asks the programs that know the filters; those that are not there keep none.
    ///
    /// - Parameter unseen: is told what could not be looked at.
    init(noting unseen: inout [VMError]) {
        self.init()
        do throws(VMError) {
            seesBridgedIPv4 = try Self.isOn("bridge-nf-call-iptables")
            seesBridgedIPv6 = try Self.isOn("bridge-nf-call-ip6tables")
        } catch { unseen.append(error) }
        guard geteuid() == 0 else {
            unseen.append(
                VMError(
                    .denied, "firewall", "only root can look at it", remedy: .run("look as root", "sudo kvmctl doctor"))
            )
            return
        }
        do throws(VMError) {
            var all = try Self.nftables()
            if all == nil { unseen.append(Tool.nft.missing(for: "firewall")) }
            isWhole = all != nil
            for family in [Firewall.Family.ip, .ip6] { try Self.addIPTables(family, to: &all) }
            firewall = all
        } catch { unseen.append(error) }
    }

    private static func isOn(_ setting: String) throws(VMError) -> Bool {
        try Sysctl(key: "net/bridge/\(setting)").value() == "1"
    }

    /// nil where this host has no nft to ask.
    private static func nftables() throws(VMError) -> Firewall? {
        guard let text = try output(of: .nft, ["-j", "list", "ruleset"]) else { return nil }
        // The document is a line; what nft warns of may stand before it.
        let line = text.split(separator: UInt8(ascii: "\n")).first { $0.first == UInt8(ascii: "{") } ?? []
        guard let document = try? JSON(parsing: line) else {
            throw VMError(
                .unavailable, "firewall", "nft shows its rules in a way that kvmctl does not understand",
                remedy: .run("look at them", "nft list ruleset"))
        }
        return Firewall(nftables: document)
    }

    private static func addIPTables(_ family: Firewall.Family, to firewall: inout Firewall?) throws(VMError) {
        let program = family == .ip6 ? "ip6tables" : "iptables"
        var keepers = [("\(program)-nft-save", Firewall.Keeper.iptables)]
        // Of the legacy kind only where there is one already: to ask would load it.
        if (try? readFile(FilePath("/proc/net/\(family.rawValue)_tables_names")))?.isEmpty == false {
            keepers.append(("\(program)-legacy-save", .legacyIPTables))
        }
        for (name, keeper) in keepers {
            let tool = Tool(name: name, package: "iptables")
            guard let text = try output(of: tool, ["-t", "filter"]) else { continue }
            firewall = firewall ?? Firewall()
            firewall?.add(savedByIPTables: String(decoding: text, as: UTF8.self), family: family, keeper: keeper)
        }
    }

    /// What a program prints; nil where the host does not have it.
    private static func output(of tool: Tool, _ arguments: [String]) throws(VMError) -> [UInt8]? {
        guard tool.path != nil else { return nil }
        return try tool.run(arguments, for: "firewall")
    }
}
