import VMCore
import VMHost
import VMLife

extension Starting {
    /// Starts the VM, and prints what the user should know besides the result.
    ///
    /// - Parameter ignoringCDROM: Whether an ISO was given, which a VM that already runs does not get.
    func startSayingNotices(of name: VMName, ignoringCDROM: Bool) throws(VMError) -> Outcome {
        let outcome = try start(tell: { $0.forEach { Message.note("\(name): \($0)") } })
        if ignoringCDROM, case .alreadyRunning = outcome {
            Message.note("\(name): the ISO was not used; stop the VM first")
        }
        return outcome
    }
}

extension Starting.Outcome {
    /// The result, and how to reach the VM: its display, its taps, its process.
    func text(of name: VMName) -> String {
        switch self {
        case .alreadyRunning(let process):
            return "\(name): already running\(process.map { ", pid \($0.pid)" } ?? "")"
        case .started(let entry):
            var parts = ["\(name): started"]
            if let vnc = entry.vnc, let port = vnc.port {
                let password = vnc.hasPassword ? " (password: \(command: "kvmctl vnc \(name)"))" : ""
                parts.append("VNC at \(HostPort(.tcp, vnc.address, port.number).place)\(password)")
            }
            parts += entry.nics.compactMap { nic in
                nic.tap.map { tap in
                    let network = nic.network.split(separator: ":").last ?? ""
                    return "\(tap) on \(network)\(nic.address.map { " at \($0)" } ?? "")"
                }
            }
            if let process = entry.process { parts.append("pid \(process.pid)") }
            return parts.joined(separator: ", ")
        }
    }

    /// As JSON (docs/json.md, schema kvmctl.start/1).
    func json(of vm: Machine) -> [String: JSON] {
        let (result, entry) =
            switch self {
            case .alreadyRunning: ("alreadyRunning", vm.entry())
            case .started(let entry): ("started", entry)
            }
        var members: [String: JSON] = [
            "schema": "kvmctl.start/1", "dryRun": false, "name": .string(vm.name.description),
            "result": .string(result),
        ]
        guard case .object(let all) = entry.json else { return members }
        for key in ["pid", "vnc", "nics"] { members[key] = all[key] }
        return members
    }
}
