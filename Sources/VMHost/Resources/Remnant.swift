import BridgeKernel
import BridgeNet
import SystemPackage
import VMCore

/// Something on the host that stays when the process that made it is gone, described so that another one can remove it,
/// and nothing else by mistake.
package enum Remnant: Equatable {
    /// A link, known by its name and an address that no other link has: both are there from its creation on.
    case link(InterfaceName, mac: MACAddress)
    /// A VM's tap or macvtap, in that boot of the host.
    case port(PortIdentity, boot: String)
    /// A table of nftables, and the file of the script that makes it.
    case table(family: String, name: String, script: FilePath?)
    /// A program in the background.
    case daemon(Daemon)
    /// A program in the background that has to be told when what comes after this is removed.
    case reader(Daemon)
    /// A setting of the kernel's that was changed.
    case setting(Sysctl, was: String, now: String)
    /// IPv4 forwarding that was switched on for a bridge; others may have come to rely on it.
    case forwarding(for: InterfaceName)
    /// A file.
    case file(FilePath)
    /// A directory and the files in it.
    case directory(FilePath)
}

extension Remnant {
    /// Removes it. What is gone already, or has been changed by somebody else since, is left alone.
    ///
    /// - Parameter deadline: when a program that it takes has to be done.
    func remove(by deadline: Deadline) throws(VMError) {
        switch self {
        case .link(let name, let mac): try Self.removeLink(name, mac)
        case .port(let port, let boot):
            guard boot == (try Whereabouts.boot()) else { return }
            try Bridges.routing { (socket) throws(NetworkError) in try socket.remove(port) }
        case .table(let family, let name, let script):
            // To add what is there does nothing, and what is not there can't be deleted.
            try Tool.nft.run(
                ["-f", "-"], input: "add table \(family) \(name)\ndelete table \(family) \(name)\n",
                for: "the nft table \(family) \(name)", by: deadline)
            if let script { removeFile(script) }
        case .daemon(let daemon): try daemon.end()
        case .reader(let daemon): try daemon.reload()
        case .setting(let sysctl, let was, let now): if try sysctl.value() == now { try sysctl.set(was) }
        case .forwarding(let bridge):
            if try Sysctl.forwarding.value() == "1", try !Self.othersMayRoute(besides: bridge) {
                try Sysctl.forwarding.set("0")
            }
        case .file(let path): removeFile(path)
        case .directory(let path):
            for name in (try? names(in: path)) ?? [] { removeFile(path.appending(name)) }
            removeDirectory(path)
        }
    }

    private static func removeLink(_ name: InterfaceName, _ mac: MACAddress) throws(VMError) {
        do throws(NetworkError) {
            var socket = try RouteSocket()
            guard try socket.link(named: name)?.mac == mac else { return }
            try socket.perform(.delete(name))
        } catch  where error.code == .notFound {
            return
        } catch {
            throw VMError(error)
        }
    }
}

extension Remnant {
    /// Whether a network has come after a bridge: a container's, a VPN's. Nobody can tell whether that finds forwarding on
    /// or switched it on itself, and to switch it off would cut it off without a word.
    private static func othersMayRoute(besides bridge: InterfaceName) throws(VMError) -> Bool {
        try Bridges.routing { (socket) throws(NetworkError) in
            guard let own = try socket.link(named: bridge) else { return false }
            // Indexes only grow.
            return try socket.addresses().contains { $0.prefix.address.isIPv4 && $0.link > own.index }
        }
    }

    /// Whether it is gone with its network namespace, or else with its VM, if that was an honest one: as a VM's taps are
    /// where a container was started anew.
    var goesWithItsNamespace: Bool { if case .port(let port, _) = self { port.kind == "tun" } else { false } }

    /// As a line of a resource's file.
    var json: JSON {
        switch self {
        case .link(let name, let mac): ["link": .string(name.description), "mac": .string(mac.description)]
        case .port(let port, let boot):
            [
                "port": .string(port.name), "index": .integer(Int64(port.index)), "kind": .string(port.kind),
                "alias": .string(port.alias), "boot": .string(boot),
            ]
        case .table(let family, let name, let script):
            ["table": .string(name), "family": .string(family), "script": script.map { .string($0.string) } ?? .null]
        case .daemon(let daemon): ["daemon": .string(daemon.pidFile.string)]
        case .reader(let daemon): ["reader": .string(daemon.pidFile.string)]
        case .setting(let sysctl, let was, let now):
            ["setting": .string(sysctl.key), "was": .string(was), "now": .string(now)]
        case .forwarding(let bridge): ["forwarding": .string(bridge.description)]
        case .file(let path): ["file": .string(path.string)]
        case .directory(let path): ["directory": .string(path.string)]
        }
    }

    package init?(_ json: JSON) {
        func text(_ key: String) -> String? { json[key]?.string }
        if let name = text("link").flatMap({ InterfaceName($0) }), let mac = text("mac").flatMap({ MACAddress($0) }) {
            self = .link(name, mac: mac)
        } else if let name = text("port"), let index = json["index"]?.integer.flatMap({ UInt32(exactly: $0) }),
            let kind = text("kind"), let alias = text("alias"), let boot = text("boot")
        {
            self = .port(PortIdentity(index: index, name: name, kind: kind, alias: alias), boot: boot)
        } else if let name = text("table"), let family = text("family") {
            self = .table(family: family, name: name, script: text("script").map { FilePath($0) })
        } else if let path = text("daemon") {
            self = .daemon(Daemon(pidFile: FilePath(path)))
        } else if let path = text("reader") {
            self = .reader(Daemon(pidFile: FilePath(path)))
        } else if let key = text("setting"), let was = text("was"), let now = text("now") {
            self = .setting(Sysctl(key: key), was: was, now: now)
        } else if let bridge = text("forwarding").flatMap({ InterfaceName($0) }) {
            self = .forwarding(for: bridge)
        } else if let path = text("file") {
            self = .file(FilePath(path))
        } else if let path = text("directory") {
            self = .directory(FilePath(path))
        } else {
            return nil
        }
    }
}
