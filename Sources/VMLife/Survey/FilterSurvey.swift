import Glibc
import SystemPackage
import VMCore
import VMHost

extension FilterCondition {
    /// Asks the programs that list the filters. A missing program means no filters of its kind.
    ///
    /// - Parameter unseen: collects what could not be examined.
    init(noting unseen: inout [VMError]) {
        self.init()
        do throws(VMError) {
            seesBridgedIPv4 = try Self.isOn("bridge-nf-call-iptables")
            seesBridgedIPv6 = try Self.isOn("bridge-nf-call-ip6tables")
        } catch { unseen.append(error) }
        guard geteuid() == 0 else {
            unseen.append(
                VMError(
                    .denied, "firewall", "only root can read it", remedy: .run("run it as root", "sudo kvmctl doctor"))
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

    /// nil if this host has no nft.
    private static func nftables() throws(VMError) -> Firewall? {
        guard let text = try output(of: .nft, ["-j", "list", "ruleset"]) else { return nil }
        // The document is one line. nft's warnings may precede it.
        let line = text.split(separator: UInt8(ascii: "\n")).first { $0.first == UInt8(ascii: "{") } ?? []
        guard let document = try? JSON(parsing: line) else {
            throw VMError(
                .unavailable, "firewall", "nft lists the rules in a format that kvmctl does not understand",
                remedy: .run("list them", "nft list ruleset"))
        }
        return Firewall(nftables: document)
    }

    private static func addIPTables(_ family: Firewall.Family, to firewall: inout Firewall?) throws(VMError) {
        let program = family == .ip6 ? "ip6tables" : "iptables"
        var keepers = [("\(program)-nft-save", Firewall.Keeper.iptables)]
        // The legacy program only if the kernel has legacy tables already: asking would load their module.
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

    /// A program's output; nil if the host does not have the program.
    private static func output(of tool: Tool, _ arguments: [String]) throws(VMError) -> [UInt8]? {
        guard tool.path != nil else { return nil }
        return try tool.run(arguments, for: "firewall")
    }
}
