import SystemPackage
import VMCore
import VMHost

/// A disk that is to be attached.
package struct NewDisk: Sendable {
    /// The image or device.
    package var path: FilePath
    /// Creates a missing image with this size.
    package var size: ByteCount?
    /// Its format; nil: raw, if its content does not look like another format.
    package var format: DiskFormat?
    /// Whether the guest may only read it.
    package var isReadOnly: Bool
    /// Its serial number.
    package var serial: String?
    /// What it is on; nil: virtio.
    package var bus: DiskBus?

    /// Describes a disk; see the properties.
    package init(
        path: FilePath, size: ByteCount? = nil, format: DiskFormat? = nil, isReadOnly: Bool = false,
        serial: String? = nil, bus: DiskBus? = nil
    ) {
        self.path = path
        self.size = size
        self.format = format
        self.isReadOnly = isReadOnly
        self.serial = serial
        self.bus = bus
    }

    /// The lines that make it disk n.
    fileprivate func lines(_ index: Int, in file: VMFile) -> [ParamsLine] {
        let settings: [(ParamsKey, String?)] = [
            (.disk, path.value(in: file)), (.diskSize, size?.parameter), (.diskFormat, format?.rawValue),
            (.diskReadOnly, isReadOnly ? "yes" : nil), (.diskSerial, serial),
            (.diskBus, bus?.rawValue),
        ]
        return settings.compactMap { key, value in value.map { ParamsLine(KeyName(key, index), $0) } }
    }
}

extension Machine {
    /// Attaches a disk as the first DISKn that is free: now, and for the next start.
    ///
    /// One that the file or the machine has already keeps its number, and the other is brought up to it.
    package func attach(_ disk: NewDisk, _ request: ChangeRequest) throws(VMError) -> DeviceChange {
        let file = try request.context.file(of: self)
        return try whileChanging(request) { running throws(VMError) in
            let index = try self.index(for: disk, running, file)
            let inMachine = running?.hardware.disk(with: disk.path) != nil
            let inFile = file.params.disks.contains { $0.index == index }
            var change = DeviceChange(
                deed: .attach, device: "DISK\(index)", what: disk.path.string,
                machine: running == nil
                    ? request.scope.includesMachine ? .notRunning : .untouched : inMachine ? .already : .changed)
            let needsLines = request.scope.includesFile && !inFile
            guard change.machine == .changed || needsLines else { return change }
            let lines = disk.lines(index, in: file)
            let described =
                inFile
                ? file.params
                : try VMParams.of(
                    lines, name: file.params.name.value, file: file.params.file)
            let only = file.params.only(disk: described.disks.first { $0.index == index }, called: "\(name)")
            if change.machine == .changed { try refuseBus(only.disks.first) }
            // What the machine has, it has in use.
            let plan = inMachine ? nil : try plugPlan(only, into: running, file, request)
            if needsLines { change.edits = try edits(lines, index, only) }
            change.notices = plan.map { notices(of: $0, request) } ?? []
            if request.isDryRun { return change }
            try self.change(change.edits, file.trust, isLive: change.machine == .changed) { () throws(VMError) in
                guard change.machine == .changed, var running, let plan else {
                    // A start makes raw images only.
                    for new in plan.map({ images(of: $0) }) ?? [] where new.format == .qcow2 {
                        try new.create(file.trust)
                    }
                    return
                }
                try running.plug(plan, file.trust, in: request.context)
            }
            return change
        }
    }

    /// A controller has its disks from the start.
    private func refuseBus(_ disk: VMParams.Disk?) throws(VMError) {
        guard let disk, disk.bus.value != .virtio else { return }
        throw VMError(
            .unavailable, name.description,
            "DISK\(disk.index) is on \(disk.bus.value.rawValue), where none can be plugged while it runs",
            remedy: "attach it to the file alone, with --config, and restart the VM")
    }

    /// The n of the disk.
    private func index(for disk: NewDisk, _ running: RunningMachine?, _ file: VMFile) throws(VMError) -> Int {
        if let id = running?.hardware.disk(with: disk.path), let index = Int(id.dropFirst("disk".count)) {
            let other = file.params.disks.first { $0.index == index }
            guard let other, other.path.value != disk.path else { return index }
            throw VMError(
                .busy, name.description, "it has \(disk.path) as DISK\(index), and its file says \(other.path.value)",
                remedy: "restart it, or change the file")
        }
        func isFree(_ index: Int) -> Bool { running?.hardware.devices.contains("disk\(index)") != true }
        if let own = file.params.disks.first(where: { $0.path.value == disk.path })?.index {
            if isFree(own) { return own }
            throw VMError(
                .busy, name.description, "its file has \(disk.path) as DISK\(own), and it runs with another DISK\(own)",
                remedy: "restart it, or change the file")
        }
        let taken = Set(file.params.disks.map(\.index))
        let most = ParamsSchema.indices(of: .disk)
        if let free = most.first(where: { !taken.contains($0) && isFree($0) }) { return free }
        throw VMError(.unavailable, name.description, "it has \(most.count) disks, and can't have more")
    }

    /// The format is written down, so that the guest can't choose another by what it writes.
    private func edits(_ lines: [ParamsLine], _ index: Int, _ params: VMParams) throws(VMError) -> [ParamsEdit] {
        let format = params.disks.first?.format == nil ? [ParamsLine(KeyName(.diskFormat, index), "raw")] : []
        var edits: [ParamsEdit] = []
        // The size is for a start that finds no image, and that makes raw ones only.
        let isMadeNow = params.disks.first?.format?.value == .qcow2
        for line in lines + format where !isMadeNow || line.key != "\(KeyName(.diskSize, index))" {
            edits.append(try ParamsEdit(key: line.key, value: line.value))
        }
        return edits
    }

    private func notices(of plan: PlugPlan, _ request: ChangeRequest) -> [String] {
        plan.launch.notices + SpaceCheck.warnings(images(of: plan), besides: request.context.growth)
    }

    private func images(of plan: PlugPlan) -> [SparseDisk] {
        plan.launch.newDisks.map { SparseDisk(path: $0.path, size: $0.size, format: $0.format) }
    }
}
