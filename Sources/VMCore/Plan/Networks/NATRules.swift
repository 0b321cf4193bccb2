import BridgeNet

/// The nftables rules for the network `nat`, in separate tables, as input for nft(8). Pure.
package enum NATRules {
    /// The network's table.
    package static let table = "kvmctl_nat"

    /// The table of one VM's forwards, which is removed with the VM.
    package static func table(of name: VMName) -> String { "kvmctl_forward.\(name)" }

    /// The network's table, which replaces what was in it before.
    ///
    /// Guests reach the outside with the host's address, and can be reached from outside only by a forward. Packets
    /// from outside or from guests with an address in 127.0.0.0/8 are dropped first: the bridge accepts them
    /// (route_localnet, for forwards from the host itself), and a forward would change their address before the kernel
    /// drops them as martians.
    package static func network(_ prefix: IPPrefix, bridge: InterfaceName) -> String {
        """
        add table ip \(table)
        delete table ip \(table)
        table ip \(table) {
            chain prerouting {
                type filter hook prerouting priority raw; policy accept;
                iifname != "lo" ip saddr 127.0.0.0/8 drop
                iifname != "lo" ip daddr 127.0.0.0/8 drop
            }
            chain forward {
                type filter hook forward priority filter; policy accept;
                oifname != "\(bridge)" accept
                iifname "\(bridge)" accept
                ct state established,related accept
                ct status dnat accept
                drop
            }
            chain postrouting {
                type nat hook postrouting priority srcnat; policy accept;
                ip saddr \(prefix.network) ip daddr { 224.0.0.0/4, 255.255.255.255 } return
                ip saddr \(prefix.network) ip daddr != \(prefix.network) masquerade
                ip saddr \(prefix.network) ct status dnat masquerade
                oifname "\(bridge)" ip saddr 127.0.0.0/8 masquerade
            }
        }

        """
    }

    /// The table of a VM's forwards: for packets that arrive, and for those that the host itself sends.
    package static func forwards(_ forwards: [PortForward], of name: VMName, to guest: IPAddress) -> String {
        let rules = forwards.map { forward in
            let host = forward.hostEnd.isEverywhere ? "fib daddr type local" : "ip daddr \(forward.address)"
            let port = "\(forward.transport.rawValue) dport \(forward.hostPort)"
            return "        \(host) \(port) dnat to \(guest):\(forward.guestPort)"
        }.joined(separator: "\n")
        let table = table(of: name)
        return """
            add table ip \(table)
            delete table ip \(table)
            table ip \(table) {
                chain prerouting {
                    type nat hook prerouting priority dstnat; policy accept;
            \(rules)
                }
                chain output {
                    type nat hook output priority -100; policy accept;
            \(rules)
                }
            }

            """
    }
}
