import BridgeNet

/// The leases in a file of dnsmasq's (dnsmasq(8), `--dhcp-leasefile`): `EXPIRY MAC ADDRESS NAME CLIENT-ID` a line.
enum LeaseFile {
    /// A lease for IPv4.
    struct Lease: Equatable {
        var mac: MACAddress
        var address: IPAddress
    }

    /// The leases that have not run out; a line that is none is passed over, as those for IPv6 are, which name no MAC.
    ///
    /// - Parameter now: Seconds since the epoch.
    static func leases(in text: String, now: Int64) -> [Lease] {
        text.split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ")
            guard words.count >= 3, let expiry = Int64(words[0]), let mac = MACAddress(String(words[1])),
                let address = IPAddress(words[2]), address.isIPv4
            else { return nil }
            // 0: for ever.
            return expiry == 0 || expiry > now ? Lease(mac: mac, address: address) : nil
        }
    }
}
