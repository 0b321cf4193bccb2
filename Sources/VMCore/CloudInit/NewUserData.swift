/// The user-data of a new VM that options describe.
package struct NewUserData: Equatable, Sendable {
    /// Public SSH keys, a line each, for the guest's usual account.
    package var keys: [String]
    /// A hash of that account's password (crypt(5)).
    package var password: String?

    /// Describes user-data; see the properties.
    package init(keys: [String], password: String?) { (self.keys, self.password) = (keys, password) }

    /// What it begins with.
    package static let beginning = "#cloud-config\n# Made by kvmctl create."

    /// A cloud-config. JSON's strings are YAML's too.
    package var text: String {
        var lines = [
            "\(Self.beginning) After a change to this file, the next start is that of a new instance: cloud-init does",
            "# everything again, and makes new SSH host keys unless this says: ssh_deletekeys: false",
        ]
        if !keys.isEmpty {
            lines.append("ssh_authorized_keys:")
            lines += keys.map { "  - \(JSON.string($0).text)" }
        }
        if let password {
            lines += ["password: \(JSON.string(password).text)", "chpasswd: {expire: false}"]
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// What a public key's line begins with (sshd(8), AUTHORIZED_KEYS FILE FORMAT).
    private static let kinds = ["ssh-", "ecdsa-", "sk-ssh-", "sk-ecdsa-"]

    /// The keys of a file, as `ssh-keygen` and `authorized_keys` have them.
    ///
    /// - Parameter path: for messages.
    package static func keys(in content: [UInt8], of path: String) throws(VMError) -> [String] {
        let text = String(decoding: content, as: UTF8.self)
        guard !text.contains("PRIVATE KEY") else {
            throw VMError(
                .badData, path, "is a private key, which no guest may have",
                remedy: "give the public one, whose name ends in .pub")
        }
        let lines = text.split(whereSeparator: \.isNewline).map { $0.drop { $0 == " " || $0 == "\t" } }
        let keys = lines.filter { !$0.isEmpty && !$0.hasPrefix("#") }.map(String.init)
        let isKey: (String) -> Bool = { key in
            key.split(separator: " ").contains { word in kinds.contains { word.hasPrefix($0) } }
        }
        guard !keys.isEmpty, keys.allSatisfy(isKey) else {
            throw VMError(
                .badData, path, "holds no public SSH keys, one a line",
                remedy: "give a file such as ~/.ssh/id_ed25519.pub; ssh-keygen makes one")
        }
        return keys
    }

    /// The password of a file, without the line end that editors leave.
    ///
    /// - Parameter path: for messages.
    package static func password(in content: [UInt8], of path: String) throws(VMError) -> String {
        let line = String(decoding: content, as: UTF8.self).prefix { !$0.isNewline }
        guard !line.isEmpty, !line.utf8.contains(0) else {
            throw VMError(
                .badData, path, "has no password on its first line",
                remedy: "write the password there, or a hash of it: openssl passwd -6")
        }
        return String(line)
    }
}
