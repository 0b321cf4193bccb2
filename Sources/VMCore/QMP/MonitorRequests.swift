// The commands of QEMU's monitor that kvmctl sends (QEMU, docs/interop/qemu-qmp-ref), by what they return.

extension QMPRequest<Void> {
    /// Ends the negotiation. The reply means that the machine's devices exist.
    package static var negotiate: Self { .init("qmp_capabilities") }
    /// Lets the processors run.
    package static var resume: Self { .init("cont") }
    /// Halts the processors.
    package static var pause: Self { .init("stop") }
    /// Presses the reset button. The machine is reset after the reply; one that did not run is in `prelaunch` then.
    package static var reset: Self { .init("system_reset") }
    /// Sends the processors a non-maskable interrupt. Those that are halted see it when they run again.
    package static var injectNMI: Self { .init("inject-nmi") }
    /// Wakes the guest from ACPI S3.
    package static var wakeUp: Self { .init("system_wakeup") }
    /// Presses the ACPI power button. Nothing tells whether the guest notices.
    package static var pressPowerButton: Self { .init("system_powerdown") }
    /// Ends QEMU, which flushes its images first. For the guest the power is cut.
    package static var quit: Self { .init("quit") }
    /// Changes the limits that block nodes keep to; what has to be unlimited is 0.
    package static func limit(_ group: ThrottleGroup) -> Self {
        .init(
            "qom-set", ["path": .string("/objects/\(group.id)"), "property": "limits", "value": group.limits])
    }
    /// Changes the password that viewers are asked for from now on.
    package static func screenPassword(_ password: String) -> Self {
        .init("set_password", ["protocol": "vnc", "password": .string(password), "connected": "keep"])
    }
}

extension QMPRequest<Void> {
    /// Asks for the properties of a kind of device. QEMU refuses one that it does not have with
    /// the class `DeviceNotFound`.
    package static func properties(ofDevice driver: String) -> Self {
        .init("device-list-properties", ["typename": .string(driver)])
    }
}

extension QMPRequest<RunState> {
    /// What the machine is doing.
    package static var status: Self { .init("query-status") { $0["status"]?.string.map { RunState($0) } } }
}

extension QMPRequest<VNCServer?> {
    /// Where the VNC server listens; nil if none does.
    package static var vncServer: Self { .init("query-vnc") { .some(VNCServer($0)) } }
}

extension QMPRequest<[CharacterDevice]> {
    /// The character devices.
    package static var characterDevices: Self {
        .init("query-chardev") { $0.array?.compactMap { CharacterDevice($0) } }
    }
}

extension QMPRequest<String> {
    /// QEMU's version, such as `7.2.22`.
    package static var version: Self {
        .init("query-version") { answer in
            let qemu = answer["qemu"]
            return ["major", "minor", "micro"].map { String(qemu?[$0]?.integer ?? 0) }.joined(separator: ".")
        }
    }
}

extension QMPRequest<[String: MachineType]> {
    /// The machine types, by name.
    package static var machines: Self {
        .init("query-machines") { $0.array?.reduce(into: [:]) { MachineType.add($1, to: &$0) } }
    }
}

extension QMPRequest<[String]> {
    /// The names of the processor models.
    package static var processorModels: Self {
        .init("query-cpu-definitions") { $0.array?.compactMap { $0["name"]?.string } }
    }

    /// The paths of the virtual processors among QEMU's objects.
    package static var processors: Self {
        .init("query-cpus-fast") { $0.array?.compactMap { $0["qom-path"]?.string } }
    }

    /// The features that a processor's model or flags ask for and the accelerator lacks. QEMU leaves them out.
    package static func unavailableFeatures(ofProcessor path: String) -> Self {
        .init("qom-get", ["path": .string(path), "property": "unavailable-features"]) {
            $0.array?.compactMap(\.string)
        }
    }
}

/// A character device of QEMU (`ChardevInfo`).
package struct CharacterDevice: Equatable, Sendable {
    /// Its id.
    package let label: String
    /// Whether its other end is open: for the agent's, whether something in the guest has the port open.
    package let isOpen: Bool

    init?(_ json: JSON) {
        guard let label = json["label"]?.string, let isOpen = json["frontend-open"]?.bool else { return nil }
        (self.label, self.isOpen) = (label, isOpen)
    }
}

/// Where QEMU's VNC server listens (`VncInfo`).
package struct VNCServer: Equatable, Sendable {
    /// The host's address.
    package var address: String
    /// The TCP port.
    package var port: VNCPort

    package init(address: String, port: VNCPort) {
        self.address = address
        self.port = port
    }

    /// Reads the reply to `query-vnc`; nil if no server listens on TCP.
    package init?(_ answer: JSON) {
        let number = answer["service"]?.string.flatMap { UInt16($0) }
        guard let address = answer["host"]?.string, let port = number.flatMap({ VNCPort($0) }) else { return nil }
        self.init(address: address, port: port)
    }
}

extension MachineType {
    /// Adds an element of the reply to `query-machines`, under its name and its alias.
    fileprivate static func add(_ answer: JSON, to machines: inout [String: MachineType]) {
        guard let name = answer["name"]?.string else { return }
        var type = MachineType(
            maximumCPUs: answer["cpu-max"]?.integer.flatMap { Int(exactly: $0) },
            isDeprecated: answer["deprecated"]?.bool ?? false)
        machines[name] = type
        guard let alias = answer["alias"]?.string else { return }
        type.versionedName = name
        machines[alias] = type
    }
}
