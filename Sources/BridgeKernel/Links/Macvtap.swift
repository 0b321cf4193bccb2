import BridgeNet
import CLinux
import SystemPackage

/// A macvtap link: a station with its own MAC address on the network of one of the host's devices. A descriptor carries
/// its frames. Unlike a tap it stays when its descriptors are closed, until it or its namespace is deleted.
public struct Macvtap: Equatable, Sendable {
    /// The link's name.
    public let name: InterfaceName
    /// What identifies it, even after its MAC address was changed.
    public let identity: PortIdentity
    /// Its MTU in bytes.
    public let mtu: Int

    /// The first `macvtapN` that is free.
    public static func freeName(using socket: inout RouteSocket) throws(NetworkError) -> InterfaceName {
        let taken = Set(try socket.links().map(\.name))
        let name = (0...).lazy.map { "macvtap\($0)" }.first { !taken.contains($0) }
        guard let name = name.flatMap({ InterfaceName($0) }) else {
            throw NetworkError(.busy, subject: "macvtap", doing: "finding a name", reason: "there is no free name")
        }
        return name
    }

    /// Creates the link and brings it up, with no IPv6 address for the host on it. If that fails, no link is left.
    ///
    /// - Parameters:
    ///   - name: Its name.
    ///   - device: The device that it sits on: Ethernet, up, and no port of a bridge.
    ///   - mac: Its MAC address, which its user has to send from.
    ///   - alias: Its owner: the VM's name.
    ///   - mtu: Its MTU in bytes, at most the device's; nil for the device's.
    ///   - socket: A socket of the network namespace.
    /// - Throws: `exists` if the name is taken, `notFound` without the device, `busy` if the device is a port of a bridge,
    ///   `denied` without CAP_NET_ADMIN.
    public init(
        creating name: InterfaceName, on device: InterfaceName, mac: MACAddress, alias: String, mtu: Int? = nil,
        using socket: inout RouteSocket
    ) throws(NetworkError) {
        let doing = "creating the macvtap on \(device)"
        guard let lower = try socket.link(named: device) else {
            throw NetworkError(
                .notFound, subject: name.description, doing: doing, reason: "there is no device \(device)",
                remedy: "ip-link(8) lists them")
        }
        _ = try socket.ask(
            LinkRequest.createMacvtap(name, on: lower.index, mac: mac, mtu: mtu), subject: name.description,
            doing: doing)
        do throws(NetworkError) {
            try socket.perform([
                .change(
                    name, from: LinkSettings(alias: "", addressGeneration: .fromMAC),
                    to: LinkSettings(alias: alias, addressGeneration: .off)),
                .change(name, from: LinkSettings(isUp: false), to: LinkSettings(isUp: true)),
            ])
            guard let link = try socket.link(named: name) else {
                throw NetworkError(.notFound, subject: name.description, doing: doing)
            }
            identity = PortIdentity(index: link.index, name: name.description, kind: "macvtap", alias: alias)
            self.name = name
            self.mtu = link.mtu
        } catch {
            try? socket.perform(.delete(name))
            throw error
        }
    }

    /// Opens a queue of the link and returns its descriptor, which the caller has to close.
    ///
    /// - Parameter isMultiqueue: Whether it is one of several.
    public func openQueue(isMultiqueue: Bool = false) throws(NetworkError) -> CInt {
        do {
            return try OwnedDescriptor(returned: clinux_macvtap_open(name.description, identity.index, isMultiqueue))
                .release()
        } catch {
            throw NetworkError(
                NetworkError.Code(error), subject: name.description, doing: "opening its device", errno: error,
                remedy: error == .noSuchFileOrDirectory ? .load(module: "macvtap") : nil)
        }
    }
}
