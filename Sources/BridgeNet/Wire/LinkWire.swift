/// Constants of rtnetlink's link messages, with their kernel names.
package enum LinkWire {
    // Message types, linux/rtnetlink.h.
    package static let newLink: UInt16 = 16  // RTM_NEWLINK
    static let deleteLink: UInt16 = 17  // RTM_DELLINK
    static let getLink: UInt16 = 18  // RTM_GETLINK
    static let setLink: UInt16 = 19  // RTM_SETLINK

    static let anyFamily: UInt8 = 0  // AF_UNSPEC
    static let up: UInt32 = 1  // IFF_UP, linux/if.h
    static let loopback: UInt32 = 8  // IFF_LOOPBACK
    static let ethernet: UInt16 = 1  // ARPHRD_ETHER, linux/if_arp.h

    // Attributes, linux/if_link.h.
    static let address: UInt16 = 1  // IFLA_ADDRESS
    static let name: UInt16 = 3  // IFLA_IFNAME
    static let mtu: UInt16 = 4  // IFLA_MTU
    static let lower: UInt16 = 5  // IFLA_LINK
    static let controller: UInt16 = 10  // IFLA_MASTER
    static let state: UInt16 = 16  // IFLA_OPERSTATE
    static let info: UInt16 = 18  // IFLA_LINKINFO
    static let alias: UInt16 = 20  // IFLA_IFALIAS
    static let protocols: UInt16 = 26  // IFLA_AF_SPEC
    static let group: UInt16 = 27  // IFLA_GROUP
    static let extensionMask: UInt16 = 29  // IFLA_EXT_MASK
    static let lowerNamespace: UInt16 = 37  // IFLA_LINK_NETNSID
    static let properties: UInt16 = 52  // IFLA_PROP_LIST
    static let alternativeName: UInt16 = 53  // IFLA_ALT_IFNAME, in IFLA_PROP_LIST and in requests

    /// RTEXT_FILTER_SKIP_STATS: counters make up most of a link's message.
    static let skipStatistics: UInt32 = 1 << 3

    /// In IFLA_LINKINFO.
    enum Info {
        static let kind: UInt16 = 1  // IFLA_INFO_KIND
        static let data: UInt16 = 2  // IFLA_INFO_DATA
    }

    /// In IFLA_INFO_DATA of a bridge.
    enum Bridge {
        static let forwardDelay: UInt16 = 1  // IFLA_BR_FORWARD_DELAY, hundredths of a second
        static let spanningTree: UInt16 = 5  // IFLA_BR_STP_STATE
        static let vlanFiltering: UInt16 = 7  // IFLA_BR_VLAN_FILTERING
        static let defaultVLAN: UInt16 = 39  // IFLA_BR_VLAN_DEFAULT_PVID
    }

    /// In IFLA_INFO_DATA of a VXLAN, the only place that says it.
    enum VXLAN {
        static let lower: UInt16 = 3  // IFLA_VXLAN_LINK
    }

    /// In IFLA_INFO_DATA of a tap.
    enum Tap {
        static let owner: UInt16 = 1  // IFLA_TUN_OWNER
        static let persistent: UInt16 = 6  // IFLA_TUN_PERSIST
        static let queues: UInt16 = 8  // IFLA_TUN_NUM_QUEUES
    }

    /// In IFLA_AF_SPEC.
    enum IPv6 {
        static let family: UInt16 = 10  // AF_INET6
        static let token: UInt16 = 7  // IFLA_INET6_TOKEN
        static let addressGeneration: UInt16 = 8  // IFLA_INET6_ADDR_GEN_MODE
    }
}
