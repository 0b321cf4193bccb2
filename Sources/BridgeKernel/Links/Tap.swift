import BridgeNet
import CLinux
import SystemPackage

/// A tap interface: the host's end of a VM's network card. It lives as long as some process has its descriptor open
/// (Documentation/networking/tuntap.rst). So it goes when this value is destroyed or, once the descriptor is handed
/// over, with the process that has it, unless that process makes it persistent, which needs no privilege. It belongs to
/// root and to the network namespace of the thread that created it.
public struct Tap: ~Copyable {
    /// The interface's name.
    public let name: InterfaceName
    private let owned: OwnedDescriptor

    /// The descriptor that carries the frames. This value closes it.
    public var descriptor: CInt { owned.rawValue }

    /// Creates a tap, down and not in a bridge.
    ///
    /// - Parameters:
    ///   - name: Its name; nil for `tapN` with the first free N.
    ///   - isMultiqueue: Whether it can have further queues.
    /// - Throws: `busy` if the name is taken, `denied` without CAP_NET_ADMIN, `notFound` without /dev/net/tun.
    public init(named name: InterfaceName? = nil, isMultiqueue: Bool = false) throws(NetworkError) {
        let wanted = name?.description ?? "tap%d"
        var bytes = Self.padded(wanted)
        let owned: OwnedDescriptor
        do {
            owned = try OwnedDescriptor(returned: clinux_tap_create(&bytes, isMultiqueue))
        } catch { throw Self.failure(error, wanted: name) }
        let given = String(decoding: bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        guard let valid = InterfaceName(given) else {
            throw NetworkError(.malformed("interface name \(given)"), subject: wanted, doing: "creating the tap")
        }
        self.name = valid
        self.owned = owned
    }

    /// Gives up the descriptor. From here on the interface lives as long as the caller, or a process that inherits a
    /// duplicate, keeps it open.
    public consuming func release() -> CInt {
        owned.release()
    }

    /// Opens one more queue of a multiqueue tap and returns its descriptor, which the caller has to close. The
    /// interface lives as long as any of its queues.
    public func openQueue() throws(NetworkError) -> CInt {
        do {
            return try OwnedDescriptor(returned: clinux_tap_open_queue(Self.padded(name.description))).release()
        } catch {
            throw NetworkError(
                NetworkError.Code(error), subject: name.description, doing: "opening another queue", errno: error)
        }
    }

    /// A name, padded to the size that the kernel reads.
    private static func padded(_ name: String) -> [CChar] {
        let bytes = name.utf8.map { CChar(bitPattern: $0) }
        return bytes + repeatElement(0, count: Int(CLINUX_INTERFACE_NAME_SIZE) - bytes.count)
    }

    /// Makes it a port of a bridge and brings it up, with the bridge's MTU and no IPv6 address for the host on it.
    ///
    /// Its MTU is set before it joins. If that MTU is smaller, the bridge keeps its own. If joining fails, the tap is
    /// as before.
    ///
    /// - Parameters:
    ///   - bridge: The bridge, which must be up.
    ///   - alias: Its owner: the VM's name. At most 255 bytes.
    ///   - mtu: Its MTU in bytes, at most the bridge's; nil for the bridge's.
    ///   - vlans: The VLANs that it carries, on a VLAN-aware bridge; nil for the bridge's default.
    ///   - socket: A socket of the same network namespace.
    /// - Returns: What identifies it from now on.
    /// - Throws: `notFound` without the bridge, `exists` if it is not a bridge, `invalid` if the MTU is too large,
    ///   `busy` if the bridge is down, full, or not VLAN-aware.
    @discardableResult
    public func join(
        bridge: InterfaceName, alias: String, mtu: Int? = nil, vlans: PortVLANs? = nil,
        using socket: inout RouteSocket
    ) throws(NetworkError) -> PortIdentity {
        let found = try socket.link(named: bridge)
        guard let fresh = try socket.link(named: name) else {
            throw NetworkError(.notFound, subject: name.description, doing: "joining bridge \(bridge)")
        }
        let plan = JoinPlan(tap: name, fresh: fresh, alias: alias, mtu: mtu, vlans: vlans)
        try socket.perform(plan.operations(bridge: bridge, found: found))
        return PortIdentity(index: fresh.index, name: fresh.name, kind: Link.tapKind, alias: alias)
    }

    private static func failure(_ errno: Errno, wanted: InterfaceName?) -> NetworkError {
        func error(_ reason: String?, remedy: NetworkError.Remedy?) -> NetworkError {
            NetworkError(
                NetworkError.Code(errno), subject: wanted?.description ?? "tap", doing: "creating the tap",
                reason: reason, errno: errno, remedy: remedy)
        }
        return switch errno {
        case .resourceBusy where wanted != nil:
            error(
                "an interface of that name exists",
                remedy: "choose another name for the tap, or let the kernel choose one")
        case .noSuchFileOrDirectory, .noSuchDevice, .noSuchAddressOrDevice:
            error(
                "the host has no /dev/net/tun",
                remedy: """
                    load the kernel module tun; if only the device file is missing, as in a container, create it: \
                    character device 10:200
                    """)
        case .notPermitted, .permissionDenied: error(nil, remedy: "run it as root")
        default: error(nil, remedy: nil)
        }
    }
}
