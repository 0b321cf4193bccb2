/// One netlink message: a header of 16 bytes and a payload (`struct nlmsghdr`, linux/netlink.h; RFC 3549, 2.3.2).
package struct NetlinkMessage: Equatable {
    package var type: UInt16
    package var flags: Flags
    package var sequence: UInt32
    /// The netlink port of the socket that the message belongs to; 0 in a request.
    var port: UInt32 = 0
    package var payload: ArraySlice<UInt8>

    static let headerLength = 16

    /// The types that all netlink protocols share.
    package enum Control {
        package static let noop: UInt16 = 1
        /// An acknowledgement, of success or failure.
        package static let error: UInt16 = 2
        /// The end of a dump.
        package static let done: UInt16 = 3
        package static let overrun: UInt16 = 4
    }

    package struct Flags: OptionSet, Equatable {
        package let rawValue: UInt16

        package init(rawValue: UInt16) { self.rawValue = rawValue }

        package static let request = Flags(rawValue: 0x01)
        package static let acknowledge = Flags(rawValue: 0x04)
        /// In a part of a dump: the kernel's tables changed meanwhile, so entries may be missing or repeated.
        package static let dumpInterrupted = Flags(rawValue: 0x10)

        /// In a get request: all entries (NLM_F_ROOT | NLM_F_MATCH).
        static let dump = Flags(rawValue: 0x300)
        /// In a request that changes: fail if it exists.
        static let exclusive = Flags(rawValue: 0x200)
        /// In a request that changes: replace the existing one.
        package static let replace = Flags(rawValue: 0x100)
        /// In a request that changes: create it.
        package static let create = Flags(rawValue: 0x400)
        /// In a request that changes: append after similar ones.
        static let append = Flags(rawValue: 0x800)

        /// In an acknowledgement: the quoted request is cut down to its header.
        static let capped = Flags(rawValue: 0x100)
        /// In an acknowledgement: attributes follow (NETLINK_EXT_ACK).
        static let extended = Flags(rawValue: 0x200)
    }

    /// The message as it goes on the wire.
    var encoded: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.headerLength + payload.count)
        bytes.append(number: UInt32(truncatingIfNeeded: Self.headerLength + payload.count))
        bytes.append(number: type)
        bytes.append(number: flags.rawValue)
        bytes.append(number: sequence)
        bytes.append(number: port)
        bytes.append(contentsOf: payload)
        return bytes
    }

    /// The messages of one datagram.
    package static func decode(_ datagram: [UInt8]) throws(WireError) -> [NetlinkMessage] {
        var messages: [NetlinkMessage] = []
        var reader = ByteReader(datagram[...])
        while !reader.isAtEnd {
            let length = Int(try reader.read(as: UInt32.self, "message header"))
            let type = try reader.read(as: UInt16.self, "message header")
            let flags = Flags(rawValue: try reader.read("message header"))
            let sequence = try reader.read(as: UInt32.self, "message header")
            let port = try reader.read(as: UInt32.self, "message header")
            guard length >= headerLength else {
                throw WireError(what: "message", problem: .lengthTooSmall(length))
            }
            let payload = try reader.take(length - headerLength, "message")
            reader.skip(upTo: padding(after: length))
            messages.append(
                NetlinkMessage(type: type, flags: flags, sequence: sequence, port: port, payload: payload))
        }
        return messages
    }
}
