import ArgumentParser
import VMCore
import VMHost
import VMLife

/// The options of `create` that give the guest's cloud-init a seed.
struct SeedOptions: ParsableArguments {
    @Option(
        name: .customLong("ssh-key"),
        help: "A file of public SSH keys for the guest's usual account; may be repeated.", completion: .file())
    var sshKeys: [String] = []

    @Option(
        help: "A file with that account's password, or with a hash of it, on its first line.", completion: .file())
    var passwordFile: String?

    @Option(help: "A file with cloud-init's user-data, instead of those two.", completion: .file())
    var userData: String?

    @Option(help: "A file with cloud-init's network configuration. Default: DHCP.", completion: .file())
    var networkConfig: String?

    @Option(help: "The guest's host name. Default: the VM's name, if it has a seed.", transform: OptionValue.hostname)
    var hostname: String?

    func validate() throws {
        for (option, word) in [
            ("--password-file", passwordFile), ("--user-data", userData), ("--network-config", networkConfig),
        ] + sshKeys.map({ ("--ssh-key", $0) }) where word == "" {
            throw ValidationError("\(option) takes the path of a file")
        }
        guard userData != nil else { return }
        if !sshKeys.isEmpty {
            throw ValidationError("--ssh-key and --user-data exclude each other: write the keys there")
        }
        if passwordFile != nil {
            throw ValidationError("--password-file and --user-data exclude each other: write the password there")
        }
    }

    /// Reads the files.
    func apply(to vm: inout NewVM, _ trust: FileTrust) throws(VMError) {
        vm.hostname = hostname
        vm.networkConfig = try networkConfig.map { word throws(VMError) in try GivenFile.content(word, trust) }
        if let userData {
            vm.userData = try GivenFile.content(userData, trust)
        } else if !sshKeys.isEmpty || passwordFile != nil {
            var keys: [String] = []
            for word in sshKeys {
                keys += try NewUserData.keys(in: try GivenFile.content(word, trust, limit: 1 << 16), of: word)
            }
            let password = try passwordFile.map { word throws(VMError) in try GivenFile.passwordHash(word, trust) }
            vm.userData = Array(NewUserData(keys: keys, password: password).text.utf8)
        }
    }
}
