/// The kernel's verdict on a request: the payload of NLMSG_ERROR, or of the NLMSG_DONE that ends a dump, with the
/// extended part that NETLINK_EXT_ACK asks for (netlink(7); `netlink_ack`, net/netlink/af_netlink.c).
package struct Acknowledgement: Equatable {
    /// 0 for success, else a positive errno.
    package var code: Int32
    /// The kernel's explanation (NLMSGERR_ATTR_MSG). A success may carry one too: a warning.
    package var message: String?
    /// Where in the request the offending attribute starts (NLMSGERR_ATTR_OFFS), counted from the message's header.
    var offset: UInt32?

    private enum Kind {
        static let message: UInt16 = 1
        static let offset: UInt16 = 2
    }

    package init(code: Int32, message: String? = nil, offset: UInt32? = nil) {
        self.code = code
        self.message = message
        self.offset = offset
    }

    /// Decodes NLMSG_ERROR, or NLMSG_DONE.
    package init(decoding message: NetlinkMessage) throws(WireError) {
        var reader = ByteReader(message.payload)
        let negative = try reader.read(as: Int32.self, "acknowledgement")
        // A dump's end may carry its (unused) count as a positive number.
        self.code = negative < 0 && negative != .min ? -negative : 0
        if message.type == NetlinkMessage.Control.error {
            guard negative <= 0, negative != .min else {
                let value = UInt64(UInt32(bitPattern: negative))
                throw WireError(what: "acknowledged error", problem: .unexpected(value))
            }
            try Self.skipRequest(&reader, isCapped: message.flags.contains(.capped))
        }
        guard message.flags.contains(.extended) else { return }
        let attributes = try Attributes(decoding: reader.rest)
        self.message = attributes.text(Kind.message)
        self.offset = try attributes.number(Kind.offset, "offset of the offending attribute")
    }

    /// Skips the request that an acknowledgement quotes: its header, and the rest unless capped.
    private static func skipRequest(_ reader: inout ByteReader, isCapped: Bool) throws(WireError) {
        let header = try reader.take(NetlinkMessage.headerLength, "acknowledged request")
        guard !isCapped else { return }
        var headerReader = ByteReader(header)
        let length = Int(try headerReader.read(as: UInt32.self, "acknowledged request"))
        guard length >= NetlinkMessage.headerLength else {
            throw WireError(what: "acknowledged request", problem: .lengthTooSmall(length))
        }
        _ = try reader.take(length - NetlinkMessage.headerLength, "acknowledged request")
        reader.skip(upTo: padding(after: length))
    }
}
