@testable import BridgeNet

/// Messages from the kernel, in golden bytes; a test fills in the sequence number of its request.
enum KernelReplies {
    /// A bridge that is up, with an attribute that was not requested.
    static let bridge = hex(
        """
        98 00 00 00  10 00  00 00  00 00 00 00  2a 00 00 00  // 152 bytes, RTM_NEWLINK, no flags, port 42
        00 00 01 00  05 00 00 00  43 10 01 00  00 00 00 00   // ARPHRD_ETHER, index 5, UP|BROADCAST|RUNNING|MULTICAST|…
        08 00 03 00  62 72 30 00                             // IFLA_IFNAME "br0"
        08 00 0d 00  e8 03 00 00                             // IFLA_TXQLEN 1000
        05 00 10 00  06  00 00 00                            // IFLA_OPERSTATE up
        08 00 04 00  28 23 00 00                             // IFLA_MTU 9000
        0a 00 01 00  02 00 00 00 00 01  00 00                // IFLA_ADDRESS
        09 00 14 00  75 70 6c 6b 00  00 00 00                // IFLA_IFALIAS "uplk" with a NUL
        2c 00 12 00                                          // IFLA_LINKINFO, without the nested flag
          0b 00 01 00  62 72 69 64 67 65 00  00              //   IFLA_INFO_KIND "bridge"
          1c 00 02 00                                        //   IFLA_INFO_DATA
            08 00 01 00  dc 05 00 00                         //     IFLA_BR_FORWARD_DELAY 15 s
            08 00 05 00  01 00 00 00                         //     IFLA_BR_STP_STATE 1: the kernel's STP
            05 00 07 00  00  00 00 00                        //     IFLA_BR_VLAN_FILTERING 0
        14 00 1a 00                                          // IFLA_AF_SPEC
          10 00 0a 00                                        //   AF_INET6
            04 00 01 00                                      //     IFLA_INET6_FLAGS, empty
            05 00 08 00  01  00 00 00                        //     IFLA_INET6_ADDR_GEN_MODE none
        """)

    /// The first part of a dump: the loopback.
    static let loopbackPart = hex(
        """
        38 00 00 00  10 00  02 00  00 00 00 00  2a 00 00 00  // 56 bytes, RTM_NEWLINK, MULTI
        00 00 04 03  01 00 00 00  00 00 00 00  00 00 00 00   // ARPHRD_LOOPBACK, index 1, down
        07 00 03 00  6c 6f 00  00                            // IFLA_IFNAME "lo"
        08 00 04 00  00 00 01 00                             // IFLA_MTU 65536
        08 00 1b 00  00 00 00 00                             // IFLA_GROUP 0
        """)

    /// A later part: a tap that is a port of link 5.
    static let tapPart = hex(
        """
        44 00 00 00  10 00  02 00  00 00 00 00  2a 00 00 00  // 68 bytes, RTM_NEWLINK, MULTI
        00 00 01 00  07 00 00 00  03 10 00 00  00 00 00 00   // index 7, UP|BROADCAST|MULTICAST
        09 00 03 00  74 61 70 30 00  00 00 00                // IFLA_IFNAME "tap0"
        08 00 04 00  dc 05 00 00                             // IFLA_MTU 1500
        08 00 0a 00  05 00 00 00                             // IFLA_MASTER 5
        08 00 14 00  77 65 62 00                             // IFLA_IFALIAS "web"
        """)

    /// The end of a dump.
    static let dumpEnd = hex(
        """
        14 00 00 00  03 00  02 00  00 00 00 00  2a 00 00 00  // 20 bytes, NLMSG_DONE, MULTI
        00 00 00 00                                          // 0: success
        """)

    /// An acknowledgement of success.
    static let acknowledgement = hex(
        """
        24 00 00 00  02 00  00 01  00 00 00 00  2a 00 00 00  // 36 bytes, NLMSG_ERROR, CAPPED
        00 00 00 00                                          // 0: done
        34 00 00 00  13 00  05 00  00 00 00 00  2a 00 00 00  // the request's header
        """)

    /// A refusal that quotes the whole request and says which part of it was wrong.
    static let refusal = hex(
        """
        50 00 00 00  02 00  00 02  00 00 00 00  2a 00 00 00  // 80 bytes, NLMSG_ERROR, ACK_TLVS
        ea ff ff ff                                          // -22: EINVAL
        24 00 00 00  13 00  05 00  00 00 00 00  2a 00 00 00  // the request: 36 bytes, RTM_SETLINK, REQUEST|ACK
          00 00 00 00  00 00 00 00  00 00 00 00  00 00 00 00
          04 00 03 00
        0f 00 01 00  6e 6f 20 73 75 63 68 20 4d 54 55  00    // NLMSGERR_ATTR_MSG "no such MTU", without a NUL
        08 00 02 00  20 00 00 00                             // NLMSGERR_ATTR_OFFS 32
        """)

    /// No such link, without an explanation.
    static let noDevice = hex(
        """
        24 00 00 00  02 00  00 01  00 00 00 00  2a 00 00 00  // 36 bytes, NLMSG_ERROR, CAPPED
        ed ff ff ff                                          // -19: ENODEV
        30 00 00 00  12 00  05 00  00 00 00 00  2a 00 00 00  // the request's header
        """)

    /// A part of a dump of the neighbour table.
    static let neighbour = hex(
        """
        44 00 00 00  1c 00  02 00  00 00 00 00  2a 00 00 00  // 68 bytes, RTM_NEWNEIGH, MULTI, port 42
        02 00 00 00  05 00 00 00  02 00  00  01              // AF_INET, link 5, NUD_REACHABLE, RTN_UNICAST
        08 00 01 00  0a 09 00 07                             // NDA_DST 10.9.0.7
        0a 00 02 00  52 54 00 00 00 01  00 00                // NDA_LLADDR
        14 00 03 00  01 00 00 00  02 00 00 00  03 00 00 00  00 00 00 00  // NDA_CACHEINFO
        """)

    /// An IPv6 neighbour.
    static let neighbourV6 = hex(
        """
        44 00 00 00  1c 00  02 00  00 00 00 00  2a 00 00 00
        0a 00 00 00  05 00 00 00  04 00  00  01              // AF_INET6, link 5, NUD_STALE
        14 00 01 00  fe 80 00 00  00 00 00 00  50 54 00 ff  fe 00 00 01  // NDA_DST fe80::5054:ff:fe00:1
        0a 00 02 00  52 54 00 00 00 01  00 00                // NDA_LLADDR
        08 00 04 00  01 00 00 00                             // NDA_PROBES 1
        """)

    /// An address at which nobody answers.
    static let deafNeighbour = hex(
        """
        24 00 00 00  1c 00  02 00  00 00 00 00  2a 00 00 00
        02 00 00 00  05 00 00 00  20 00  00  01              // AF_INET, link 5, NUD_FAILED
        08 00 01 00  0a 09 00 08                             // NDA_DST 10.9.0.8
        """)

    static let all =
        [bridge, loopbackPart, tapPart, dumpEnd, acknowledgement, refusal, noDevice, neighbour] + EntryReplies.all

    /// Messages with the sequence number of the request that they answer.
    static func numbered(_ sequence: UInt32, _ messages: [UInt8]...) -> [UInt8] {
        messages.flatMap { message in
            message.enumerated().map { offset, byte in
                (8..<12).contains(offset) ? UInt8(truncatingIfNeeded: sequence >> (8 * (offset - 8))) : byte
            }
        }
    }

    /// A message with flags added, such as NLM_F_DUMP_INTR.
    static func flagged(_ message: [UInt8], _ flags: NetlinkMessage.Flags) -> [UInt8] {
        var message = message
        message[6] |= UInt8(truncatingIfNeeded: flags.rawValue)
        message[7] |= UInt8(truncatingIfNeeded: flags.rawValue >> 8)
        return message
    }
}
