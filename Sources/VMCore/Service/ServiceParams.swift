import SystemPackage

/// `AUTOSTART` and what goes with it: how a VM starts with its host.
package struct ServiceParams: Equatable, Sendable {
    /// `AUTOSTART`: `autostart run` starts it.
    package var autostart: Setting<Bool>
    /// `AUTOSTART_DELAY`: how long to wait before it, when the host boots.
    package var delay: Setting<Duration>?
    /// `START_AFTER`: the VMs that start before it, and stop after it.
    package var after: Setting<[VMName]>?
    /// `LIMIT_CPU`, in percent of one processor.
    package var cpuLimit: Setting<Int>?
    /// `LIMIT_IO`, in bytes a second, for reading and for writing.
    package var ioLimit: Setting<ByteCount>?

    /// What a file says that does not mention any of it.
    package static func silent(_ origin: Origin) -> ServiceParams { ServiceParams(autostart: Setting(false, origin)) }

    /// Whether it says nothing that a unit would have to know.
    package var isSilent: Bool { delay == nil && after == nil && cpuLimit == nil && ioLimit == nil }
}

extension ParamsDecoder {
    mutating func decodeService(of name: VMName?) -> ServiceParams {
        let after = setting(.startAfter, Self.names)
        if let name, after?.value.contains(name) == true {
            conflict(.startAfter, "START_AFTER: the VM can't start after itself", hint: "Name other VMs.")
        }
        return ServiceParams(
            autostart: setting(.autostart, default: false, ParamValue.bool),
            delay: setting(.autostartDelay, ParamValue.duration), after: after,
            cpuLimit: setting(.limitCPU, Self.percent), ioLimit: setting(.limitIO, Self.ioLimit))
    }

    /// Names with commas between them.
    private static func names(_ text: String) throws(ValueFault) -> [VMName] {
        var names: [VMName] = []
        for word in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let name = VMName(word) else {
                throw ValueFault(
                    "\(Printable.quoted(String(word))) can't be a VM's name",
                    hint: "Write names with commas between them, such as \(example: "db,web").")
            }
            guard !names.contains(name) else {
                throw ValueFault("'\(name)' is listed twice", hint: "List each VM once, such as \(example: "db,web").")
            }
            names.append(name)
        }
        return names
    }

    private static func percent(_ text: String) throws(ValueFault) -> Int {
        let number = text.hasSuffix("%") && text.utf8.dropLast().allSatisfy(\.isDigit) ? Int(text.dropLast()) : nil
        guard let number, (1...100_000).contains(number) else {
            throw ValueFault(
                "\(Printable.quoted(text)) is not a percentage from 1% to 100000%",
                hint: "Write \(example: "150%") for one and a half processors of the host.")
        }
        return number
    }

    private static func ioLimit(_ text: String) throws(ValueFault) -> ByteCount {
        try ParamValue.size(text, bareUnit: nil, in: ByteCount(bytes: 4096)...ByteCount(bytes: 1 << 40))
    }
}
