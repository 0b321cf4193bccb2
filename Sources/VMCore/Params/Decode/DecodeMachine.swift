import SystemPackage

extension ParamsDecoder {
    mutating func decodeName() -> Setting<VMName>? {
        if mentions(.name) { return setting(.name, Self.name) }
        let (text, source) = VMParams.defaultNameText(of: file)
        if let name = VMName(text) { return Setting(name, .derived(source)) }
        log.add(
            Fault(
                line: 1, message: "\(source), \(Printable.quoted(text)), can't be the VM's name",
                hint: Self.ownName(for: text)))
        return nil
    }

    /// `BOOT`, whose words are all different.
    mutating func decodeBoot(nics: [VMParams.NIC]) -> Setting<[BootDevice]> {
        let boot = setting(.boot, default: [.disk, .cdrom], Self.boot)
        if boot.value.contains(.net), nics.isEmpty, !hasFaultyNIC(besides: nics) {
            conflict(
                .boot, "BOOT: there is no NIC to boot from", hint: "Connect NET0 to a network, or remove 'net'.",
                trying: without(.net, boot.value))
        }
        return boot
    }

    /// Suggests a name for a VM if its directory's or file's name is not a valid one.
    private static func ownName(for text: String) -> Hint {
        let name = LineRepair.plainName(text)
        guard VMName(name) != nil else { return "Add a line NAME=…. \(nameRule)" }
        return "Add a line \(adding: ParamsLine("NAME", name)). \(nameRule)"
    }

    /// Suggests the same boot order without one device.
    private func without(_ device: BootDevice, _ devices: [BootDevice]) -> [Hint] {
        let rest = devices.filter { $0 != device }.map(\.rawValue).joined(separator: ",")
        return rest.isEmpty ? [] : ["Connect NET0 to a network, or write \(value: rest)."]
    }

    mutating func decodeKernel() -> VMParams.DirectKernel? {
        let image = path(.kernel)
        let initrd = path(.initrd)
        let commandLine = setting(.append) { text in text }
        return image.map { VMParams.DirectKernel(image: $0, initrd: initrd, commandLine: commandLine) }
    }

    /// `RUNAS`; root is allowed, with a warning.
    mutating func decodeRunAs() -> Setting<String>? {
        let runAs = setting(.runAs, Self.runAs)
        if let user = runAs?.value.split(separator: ":").first, user == "root" || user == "0" {
            conflict(
                .runAs, "RUNAS: QEMU will run as root", hint: "A guest that escapes QEMU is then root on this host.",
                kind: .warning)
        }
        return runAs
    }

    /// Decodes the keys of which only values that change nothing are implemented.
    mutating func checkValuesWithoutEffect() {
        _ = setting(.firmware) { text throws(ValueFault) in
            if text == "bios" { return }
            throw ValueFault(
                "\(Printable.quoted(text)) is unknown",
                hint: "Write \(example: "bios"); uefi and uefi-secure are not implemented yet.")
        }
        _ = setting(.tpm) { text throws(ValueFault) in
            if (try? ParamValue.bool(text)) == false { return }
            throw ValueFault.notBuilt("a TPM")
        }
    }
}

extension ValueFault {
    /// Refuses a value that is not implemented yet.
    static func notBuilt(_ what: String) -> ValueFault {
        ValueFault(
            "\(what) is not implemented yet in this version of kvmctl", hint: ParamsDecoder.withoutIt,
            kind: .unavailable)
    }
}
