@testable import BridgeNet

/// The kernel's messages about addresses, routes and rules, in golden bytes.
enum EntryReplies {
    /// 10.0.0.5/24 on link 7, leased for an hour.
    static let leasedAddress = hex(
        """
        58 00 00 00  14 00  02 00  00 00 00 00  2a 00 00 00  // 88 bytes, RTM_NEWADDR, MULTI
        02 18 00 00  07 00 00 00                             // AF_INET, /24, no flags here, scope 0, link 7
        08 00 01 00  0a 00 00 05                             // IFA_ADDRESS
        08 00 02 00  0a 00 00 05                             // IFA_LOCAL
        08 00 04 00  0a 00 00 ff                             // IFA_BROADCAST
        09 00 03 00  65 74 68 30 00  00 00 00                // IFA_LABEL "eth0"
        08 00 08 00  00 02 00 00                             // IFA_FLAGS: NOPREFIXROUTE
        14 00 06 00  08 07 00 00  10 0e 00 00                // IFA_CACHEINFO: preferred 1800 s, valid 3600 s
          01 02 03 04  05 06 07 08                           //   made and changed, in hundredths since boot
        """)

    /// 2001:db8::5/64 on link 7, for ever.
    static let permanentAddress = hex(
        """
        48 00 00 00  14 00  02 00  00 00 00 00  2a 00 00 00  // 72 bytes, RTM_NEWADDR, MULTI
        0a 40 80 00  07 00 00 00                             // AF_INET6, /64, PERMANENT, scope 0, link 7
        14 00 01 00  20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 05  // IFA_ADDRESS
        14 00 06 00  ff ff ff ff  ff ff ff ff                // IFA_CACHEINFO: for ever
          01 02 03 04  05 06 07 08
        08 00 08 00  80 00 00 00                             // IFA_FLAGS: PERMANENT
        """)

    /// 10.9.0.0/16 through two routers on links 7 and 9, in table 1000, with an attribute that is unknown here.
    static let multipathRoute = hex(
        """
        58 00 00 00  18 00  02 00  00 00 00 00  2a 00 00 00  // 88 bytes, RTM_NEWROUTE, MULTI
        02 10 00 00  fc 04 00 01  10 00 00 00                // AF_INET, /16, table compat, static, universe, LINKDOWN
        08 00 0f 00  e8 03 00 00                             // RTA_TABLE 1000
        08 00 01 00  0a 09 00 00                             // RTA_DST
        08 00 63 00  aa bb cc dd                             // 99, not known yet
        24 00 09 00                                          // RTA_MULTIPATH
          10 00 10 00  07 00 00 00  08 00 05 00  0a 00 00 01 //   LINKDOWN, weight 1, link 7, via 10.0.0.1
          10 00 00 02  09 00 00 00  08 00 05 00  0a 01 00 01 //   weight 3, link 9, via 10.1.0.1
        """)

    /// The default route that a router has announced, valid for 1,799.5 s.
    static let announcedRoute = hex(
        """
        6c 00 00 00  18 00  02 00  00 00 00 00  2a 00 00 00  // 108 bytes, RTM_NEWROUTE, MULTI
        0a 00 00 00  fe 09 00 01  00 00 00 00                // AF_INET6, default, main, ra, universe, unicast
        08 00 0f 00  fe 00 00 00                             // RTA_TABLE 254
        08 00 06 00  00 04 00 00                             // RTA_PRIORITY 1024
        14 00 05 00  fe 80 00 00 00 00 00 00 00 00 00 00 00 00 00 01  // RTA_GATEWAY
        08 00 04 00  07 00 00 00                             // RTA_OIF 7
        24 00 0c 00  00 00 00 00  00 00 00 00  ee be 02 00   // RTA_CACHEINFO: expires in 179,950 hundredths
          00 00 00 00  00 00 00 00  00 00 00 00  00 00 00 00  00 00 00 00
        """)

    /// Rule 100: packets that come in by eth0 look up table 7.
    static let rule = hex(
        """
        40 00 00 00  20 00  02 00  00 00 00 00  2a 00 00 00  // 64 bytes, RTM_NEWRULE, MULTI
        02 00 00 00  07 00 00 01  0a 00 00 00                // AF_INET, table 7, to a table; INVERT, IIF_DETACHED
        08 00 0f 00  07 00 00 00                             // FRA_TABLE 7
        08 00 0e 00  ff ff ff ff                             // FRA_SUPPRESS_PREFIXLEN: none
        09 00 03 00  65 74 68 30 00  00 00 00                // FRA_IIFNAME "eth0"
        08 00 06 00  64 00 00 00                             // FRA_PRIORITY 100
        """)

    static let all = [leasedAddress, permanentAddress, multipathRoute, announcedRoute, rule]
}
