import BridgeNet
import Glibc
import SystemPackage
import VMCore
import VMHost

extension MachineCondition {
    /// Examines a VM, and plans its start as `check` does.
    ///
    /// - Parameters:
    ///   - entry: the VM as it is now.
    ///   - file: its params file, or why that can't be read.
    ///   - network: the host's network.
    ///   - context: the host and the other VMs.
    init(
        _ entry: VMEntry, _ file: Result<VMFile, VMError>, network: NetworkSurvey, in context: PlanningContext
    ) {
        self.init(name: entry.name, file: entry.file, isRunning: entry.state.isAlive)
        if let vnc = entry.vm?.vnc, let port = vnc.port, IPAddress(vnc.address)?.isLoopback != true {
            openVNC = HostPort(.tcp, vnc.address, port.number)
        }
        pauseReason = entry.pauseReason
        endedShares = context.site.endedShares(of: entry)
        if entry.state.isAlive { detachedTaps = (entry.vm?.nics ?? []).compactMap(network.detachedTap) }
        if let name = VMName(entry.name) { longLogs = LogBound(context.site).excesses(of: name) }
        // `check` and `start` warn of a VNC server that VNCBIND opens to other hosts.
        if let vnc = entry.vm?.vnc, let port = vnc.port, !vnc.hasPassword, openVNC == nil {
            unprotectedVNC = HostPort(.tcp, vnc.address, port.number)
        }
        switch file {
        case .failure where context.site.isOfRun(entry.file): break
        // A file that may not be read is reported separately.
        case .failure(let error) where entry.state.isAlive && error.isAbout(missing: entry.file):
            obstacles = [.fileOfRunning(entry.name, entry.file)]
        case .failure(let error): obstacles = error.code == .denied ? [] : [Self.inShort(error, entry.file)]
        case .success(let file):
            let params = file.params
            let mayRun = entry.state.isAlive || entry.state == .unknown
            let vm = Machine(name: params.name.value, file: params.file, site: context.site)
            let examined = Starting(file, of: vm, in: context).examined(isRunning: mayRun)
            (obstacles, lateBases) = (examined.obstacles, examined.lateBases)
            isTemplate = params.template.value
            needsMachineID = params.uuid == nil
            memory = params.memory.value
            let identity = Identity(params, machineID: (try? context.host.machineID.get()) ?? "")
            nics = params.nics.map { nic in
                NIC(
                    index: nic.index, network: network.called(nic.network.value).description,
                    mac: nic.mac?.value ?? identity.mac(nic: nic.index), macLine: nic.mac.flatMap { $0.origin.line },
                    hasVLANs: nic.vlans != nil)
            }
        }
    }
}

extension MachineCondition {
    /// The error without its details: of a file's many errors only the summary.
    private static func inShort(_ error: VMError, _ file: FilePath) -> VMError {
        guard !error.details.isEmpty else { return error }
        return VMError(
            error.code, error.subject, error.cause, remedy: "\(command: "kvmctl check \(file)") shows each")
    }
}

extension Origin {
    /// The line in the params file; nil for another origin.
    fileprivate var line: Int? { if case .line(let number, _) = self { number } else { nil } }
}
