/// The ports of the machine's own disk controller: six for SATA on q35, on pc the masters and slaves of two IDE channels.
/// CD drives sit there, and disks with `DISKn_BUS=sata`.
struct DrivePorts {
    /// The bus of each port, in order.
    let buses: [String]

    init(_ board: MachineModel.Family) {
        buses =
            switch board {
            case .q35: (0..<6).map { "ide.\($0)" }
            case .pc: ["ide.0", "ide.1", "ide.0", "ide.1"]
            }
    }
}

extension LaunchPlanner {
    /// The disks on SATA, which take the first ports.
    var sataDisks: [VMParams.Disk] { params.disks.filter { $0.bus.value == .sata } }

    /// Refuses more drives than the machine has ports for.
    mutating func hasPortForEachDrive() -> Bool {
        let ports = DrivePorts(params.machine.value.family).buses.count
        let wanted = sataDisks.count + params.cdroms.count + (options.cdrom == nil ? 0 : 1)
        guard wanted > ports else { return true }
        let last = params.cdroms.last?.path.origin ?? sataDisks.last?.bus.origin ?? .everyVM
        let drives = [
            sataDisks.isEmpty ? nil : "\(sataDisks.count) disks on SATA",
            params.cdroms.isEmpty ? nil : "\(params.cdroms.count) CDROMn",
            options.cdrom == nil ? nil : options.cdromWord,
        ]
        refuse(
            .unavailable, place(options.cdrom == nil ? last : .option(options.cdromWord)),
            "the \(params.machine.value) machine has \(ports) ports for drives, and this VM would have \(wanted): "
                + drives.compactMap(\.self).joined(separator: ", "),
            remedy: sataDisks.isEmpty
                ? "take out a CDROMn line" : "attach a disk with DISKn_BUS=scsi, or take out a CDROMn line")
        return false
    }
}
