import BridgeNet
import CLinux
import SystemPackage

extension Link {
    /// Whether a bridge keeps its MAC address when ports come and go (`br_stp_recalculate_bridge_id`,
    /// net/bridge/br_stp_if.c); nil if the caller can't see that. Netlink does not report it. Sysfs does, as the way in
    /// which the address was assigned (Documentation/ABI/testing/sysfs-class-net, addr_assign_type).
    public func macIsKept() -> Bool? {
        var text = [CChar](repeating: 0, count: 16)
        guard clinux_link_attribute(name, "addr_assign_type", &text, text.count) > 0 else { return shownMACIsKept }
        return Self.isSet(String(decoding: text.prefix { $0 > 0 }.map { UInt8($0) }, as: UTF8.self))
    }

    /// The same from what is mounted at /sys, for a user who may not mount sysfs. That mount may show another
    /// namespace, so index and address have to match.
    private var shownMACIsKept: Bool? {
        guard Self.shown(name, "ifindex") == "\(index)", Self.shown(name, "address") == mac?.description,
            let type = Self.shown(name, "addr_assign_type")
        else { return nil }
        return Self.isSet(type)
    }

    private static func shown(_ name: String, _ attribute: String) -> String? {
        guard let file = try? FileDescriptor.open("/sys/class/net/\(name)/\(attribute)", .readOnly) else { return nil }
        defer { try? file.close() }
        let bytes = [UInt8](unsafeUninitializedCapacity: 64) { buffer, count in
            count = (try? file.read(into: UnsafeMutableRawBufferPointer(buffer))) ?? 0
        }
        return String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    }

    /// NET_ADDR_SET, linux/netdevice.h: the address was set explicitly.
    private static func isSet(_ text: String) -> Bool { text.first == "3" }
}
