import BridgeNet
import SystemPackage

extension MachineCondition {
    /// Looks at a VM, and plans its start as `check` does.
    ///
    /// - Parameters:
    ///   - entry: the VM, as it is now.
    ///   - file: its params file, or why that can't be read.
    init(_ entry: VMEntry, _ file: Result<VMFile, VMError>, machineID: String, paths: Paths) {
        self.init(name: entry.name, file: entry.file, isRunning: entry.state.isAlive)
        if let vnc = entry.vnc, let port = vnc.port, IPAddress(vnc.address)?.isLoopback != true {
            openVNCPort = UInt16(exactly: port)
        }
        switch file {
        case .failure(let error): obstacles = [error]
        case .success(let file):
            let params = file.params
            let mayRun = entry.state.isAlive || entry.state == .unknown
            obstacles = Starting(file, paths: paths).obstacles(to: .examine(isRunning: mayRun))
            needsMachineID = params.uuid == nil
            memory = params.memory.value
            let identity = Identity(params, machineID: machineID)
            nics = params.nics.map { nic in
                NIC(
                    index: nic.index, network: nic.network.value.description,
                    mac: nic.mac?.value ?? identity.mac(nic: nic.index), macLine: nic.mac.flatMap { $0.origin.line })
            }
        }
    }
}

extension Origin {
    /// The line of the params file, where it is one.
    fileprivate var line: Int? { if case .line(let number, _) = self { number } else { nil } }
}
