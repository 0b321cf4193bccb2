import SystemPackage

extension ParamsDecoder {
    /// `CLOUDINIT_…`; any of them asks for a seed.
    mutating func decodeCloudInit() -> VMParams.CloudInit? {
        let userData = path(.cloudInitUserData)
        let networkConfig = path(.cloudInitNetwork)
        let hostname = setting(.cloudInitHostname, Self.hostname)
        guard userData != nil || networkConfig != nil || hostname != nil else { return nil }
        return VMParams.CloudInit(userData: userData, networkConfig: networkConfig, hostname: hostname)
    }

    /// A host name (RFC 1123, 2.1), with or without a domain.
    package static func hostname(_ text: String) throws(ValueFault) -> String {
        let labels = text.split(separator: ".", omittingEmptySubsequences: false)
        let isValid = labels.allSatisfy { label in
            (1...63).contains(label.utf8.count) && label.first != "-" && label.last != "-" && label.isPlain(and: "-")
        }
        guard isValid, text.utf8.count <= 253 else {
            throw ValueFault(
                "\(Printable.quoted(text)) can't be a host name",
                hint: """
                    Write a name such as \(example: "web") or \(example: "web.example.org"): parts of letters, digits and \
                    '-', at most 63 each.
                    """)
        }
        return text
    }
}
