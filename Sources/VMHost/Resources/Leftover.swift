import BridgeKernel
import BridgeNet
import SystemPackage
import VMCore

/// Something on the host that outlives the process that made it, described so that another process can remove it, and
/// nothing else by mistake.
package enum Leftover: Equatable {
    /// A link, identified by its name and a MAC that no other link has. It has both from its creation on.
    case link(InterfaceName, mac: MACAddress)
    /// A VM's tap or macvtap, during one boot of the host.
    case port(PortIdentity, boot: String)
    /// A table of nftables, and the file of the script that makes it.
    case table(family: String, name: String, script: FilePath?)
    /// A program in the background.
    case daemon(Daemon)
    /// A program in the background that has to be told when the remnants noted after this one have been removed.
    case reader(Daemon)
    /// A kernel setting that was changed.
    case setting(Sysctl, was: String, now: String)
    /// IPv4 forwarding that was switched on for a bridge. Others may depend on it by now.
    case forwarding(for: InterfaceName)
    /// A file.
    case file(FilePath)
    /// A directory and the files in it.
    case directory(FilePath)
}

extension Leftover {
    /// Removes it. What is already gone, or has been changed since, is left alone.
    ///
    /// - Parameter deadline: when a program needed for it has to be done.
    func remove(by deadline: Deadline) throws(VMError) {
        switch self {
        case .link(let name, let mac): try Self.removeLink(name, mac)
        case .port(let port, let boot):
            guard boot == (try BootAndNamespaces.boot()) else { return }
            try Bridges.routing { (socket) throws(NetworkError) in try socket.remove(port) }
        case .table(let family, let name, let script):
            // Adding first makes the deletion succeed whether or not the table exists.
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

extension Leftover {
    /// Whether a network has appeared after a bridge, such as a container's or a VPN's. It may depend on forwarding, no
    /// matter who switched it on, and switching it off would silently cut that network off.
    private static func othersMayRoute(besides bridge: InterfaceName) throws(VMError) -> Bool {
        try Bridges.routing { (socket) throws(NetworkError) in
            guard let own = try socket.link(named: bridge) else { return false }
            // Link indexes only grow.
            return try socket.addresses().contains { $0.prefix.address.isIPv4 && $0.link > own.index }
        }
    }

    /// Whether it vanishes with its network namespace, or with its VM unless that was taken over. So a VM's taps are
    /// gone when a container was restarted.
    var goesWithItsNamespace: Bool { if case .port(let port, _) = self { port.kind == Link.tapKind } else { false } }

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
