import SystemPackage

/// A seed for cloud-init's NoCloud (cloud-init, reference/datasources/nocloud): a small disk labelled CIDATA, which the guest
/// reads at each boot. It is made at each start from what it is to hold.
package struct CloudSeed: Equatable, Sendable {
    /// The instance's id: by another one than before, cloud-init sees a new instance, and does everything again. So what else
    /// it would not notice is in it: what the VM is, and what it is told to do.
    package let instanceID: String
    /// The name that the guest gives itself.
    package let hostname: String
    private let userData: [UInt8]
    private let networkConfig: [UInt8]?

    /// The most bytes that each of its files may have.
    package static let fileLimit = 1 << 20
    /// What the image is called.
    static let label = "CIDATA"

    /// Describes a seed.
    ///
    /// - Parameters:
    ///   - userData: nil: there is none.
    ///   - networkConfig: nil: there is none, and the guest uses DHCP.
    package init(uuid: UUID, hostname: String, userData: [UInt8]?, networkConfig: [UInt8]?) {
        self.hostname = hostname
        self.userData = userData ?? []
        self.networkConfig = networkConfig
        // One sum over both could not tell where the one ends.
        let sums = [self.userData, networkConfig ?? []].map { SHA256.digits(of: $0) }.joined()
        instanceID = "\(uuid)-\(SHA256.digits(of: sums.utf8).prefix(16))"
    }

    /// The seed of a VM.
    ///
    /// - Parameter contents: what is in the files that `CLOUDINIT_…` name.
    package init(_ wanted: VMParams.CloudInit, of name: VMName, uuid: UUID, contents: [FilePath: [UInt8]]) {
        self.init(
            uuid: uuid, hostname: wanted.hostname?.value ?? Self.hostname(of: name),
            userData: wanted.userData.flatMap { contents[$0.value] },
            networkConfig: wanted.networkConfig.flatMap { contents[$0.value] })
    }

    /// Its files. NoCloud takes it for a seed only with both of the first.
    var files: [(name: String, content: [UInt8])] {
        // Quoted, or YAML takes a name such as 12 or no for something else.
        let metaData = "instance-id: \"\(instanceID)\"\nlocal-hostname: \"\(hostname)\"\n"
        let network = networkConfig.map { [(name: "network-config", content: $0)] } ?? []
        return [(name: "meta-data", content: Array(metaData.utf8)), (name: "user-data", content: userData)] + network
    }

    /// The image: what it begins with, and its size. The rest is zero.
    package var image: (bytes: [UInt8], size: Int64) {
        (FATImage(label: Self.label, files).bytes, Int64(FATImage.size))
    }
}

// It may hold passwords: no message, and no record of a plan, has them by accident.
extension CloudSeed: CustomStringConvertible {
    /// What is in it, in words.
    package var description: String { "instance \(instanceID), host name \(hostname)" }
}

extension CloudSeed {
    /// The host's name that a VM's name makes.
    package static func hostname(of name: VMName) -> String {
        let labels = name.description.split { $0 == "." }.map { label -> String in
            let plain = label.map { $0 == "_" ? "-" : $0 }.drop { $0 == "-" }.prefix(63)
            return String(plain.reversed().drop { $0 == "-" }.reversed())
        }
        let text = labels.filter { !$0.isEmpty }.joined(separator: ".")
        return text.isEmpty ? "vm" : text
    }
}

/// What is known about the beginning of user-data: cloud-init ignores what it does not know, and says so only in the guest's
/// own log.
package enum UserDataKind {
    /// Whether cloud-init does something with it (cloud-init, explanation/format).
    static func isKnown(_ content: [UInt8]) -> Bool {
        if content.starts(with: [0x1f, 0x8b]) { return true }
        let isSpace: (UInt8) -> Bool = { [0x20, 0x09, 0x0a, 0x0b, 0x0c, 0x0d].contains($0) }
        let text = String(decoding: content.prefix(4096).drop(while: isSpace), as: UTF8.self).lowercased()
        return text.isEmpty || beginnings.contains { text.hasPrefix($0) } || text.contains("mime-version:")
    }

    /// What is said of user-data of which the guest makes nothing, or not what was meant; nil: nothing is.
    package static func notice(of content: [UInt8], in file: FilePath) -> String? {
        guard isKnown(content) else { return unknown(file) }
        // The kernel looks for the interpreter under a name that ends in the carriage return.
        let line = content.prefix { $0 != 0x0a }
        guard line.starts(with: Array("#!".utf8)), line.last == 0x0d else { return nil }
        return
            "the guest can't run \(file): its lines end in CR LF, as Windows writes them; dos2unix or sed -i 's/\\r$//' mends that"
    }

    private static func unknown(_ file: FilePath) -> String {
        "cloud-init ignores \(file), which begins neither with '#cloud-config' nor with another line that it knows, such as "
            + "'#!/bin/sh'"
    }

    private static let beginnings = [
        "#cloud-config", "#!", "#include", "#cloud-boothook", "#part-handler", "## template: jinja", "#upstart-job",
        "content-type:", "from ",
    ]
}
