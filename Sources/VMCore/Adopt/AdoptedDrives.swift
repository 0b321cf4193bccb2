/// A drive of a QEMU that kvmctl did not start.
private struct AdoptedDrive {
    /// The option that defines it.
    var text: String
    /// Its image; nil: none, or one that is no file.
    var file: String?
    var format: String?
    /// Its bus; nil: none of kvmctl's.
    var bus: DiskBus?
    var isCD = false
    var isReadOnly = false
    var serial: String?
    var cache: String?
    var iops: String?
    var bps: String?
    /// Its place among the drives, where that is given.
    var index: Int?
    /// What was not understood.
    var rest = OptionFields("")
}

// Disks and CDs.
extension CommandLineReader {
    mutating func readDrives() {
        var boards = readShortDrives()
        var implied: [AdoptedDrive] = []
        var unplugged: [String: AdoptedDrive] = readNodes()
        for option in take("drive") {
            var (drive, id, interface) = readDrive(option)
            guard let interface else {
                lose(option.text, option.text.contains("if=pflash") ? Self.noUEFI : "there is no key for it")
                continue
            }
            switch (interface, id) {
            case ("none", let id?): unplugged[id] = drive
            case ("none", nil): lose(option.text, "no device has it")
            case ("virtio", _):
                drive.bus = .virtio
                implied.append(drive)
            default:
                drive.bus = interface == "scsi" ? .scsi : .sata
                boards.append(drive)
            }
        }
        let plugged = plug(&unplugged)
        for (id, drive) in unplugged.sorted(by: { $0.key < $1.key }) {
            lose(drive.text, "no device has \(id)")
        }
        // On the board a place that is given goes before the order of the options.
        let placed = boards.enumerated().sorted {
            ($0.element.index ?? $0.offset, $0.offset) < ($1.element.index ?? $1.offset, $1.offset)
        }
        // QEMU makes the devices of if=virtio after all others, as if they were the last options (drive_new, blockdev.c).
        write(placed.map(\.element) + plugged + implied)
    }

    /// `-hda` to `-hdd` and `-cdrom`.
    private mutating func readShortDrives() -> [AdoptedDrive] {
        let places = ["hda": 0, "hdb": 1, "hdc": 2, "hdd": 3, "cdrom": 2]
        return take("hda", "hdb", "hdc", "hdd", "cdrom").map { option in
            AdoptedDrive(
                text: option.text, file: option.value, bus: .sata, isCD: option.name == "cdrom",
                index: places[option.name])
        }
    }

    /// - Returns: the drive, its id, and its interface; nil: none that kvmctl has.
    private mutating func readDrive(_ option: QEMUOption) -> (AdoptedDrive, id: String?, interface: String?) {
        var fields = OptionFields(option.value ?? "", implied: "file")
        let interface = fields.take("if") ?? "ide"
        let id = fields.take("id")
        var drive = AdoptedDrive(text: option.text, file: fields.take("file", "file.filename"))
        drive.format = fields.take("format", "driver")
        drive.isCD = fields.take("media") == "cdrom"
        drive.index = fields.take("index").flatMap { Int($0) }
        if let bus = fields.take("bus").flatMap({ Int($0) }), let unit = fields.take("unit").flatMap({ Int($0) }) {
            if drive.index == nil, (0...100).contains(bus), (0...100).contains(unit) { drive.index = bus * 2 + unit }
        }
        readLimits(&fields, into: &drive)
        leave("aio", "discard", "detect-zeroes", "werror", "rerror", "file.locking", in: &fields, of: "-drive")
        fields.drop("file.driver")
        drive.rest = fields
        return (drive, id, ["ide", "virtio", "scsi", "none"].contains(interface) ? interface : nil)
    }

    private func readLimits(_ fields: inout OptionFields, into drive: inout AdoptedDrive) {
        drive.cache = fields.take("cache") ?? drive.cache
        drive.isReadOnly = fields.takeFlag("readonly", "read-only") ?? drive.isReadOnly
        drive.serial = fields.take("serial") ?? drive.serial
        drive.iops = fields.take("throttling.iops-total", "iops") ?? drive.iops
        drive.bps = fields.take("throttling.bps-total", "bps") ?? drive.bps
    }

    /// The `-blockdev` nodes that hold an image, by their names.
    private mutating func readNodes() -> [String: AdoptedDrive] {
        var nodes: [String: AdoptedDrive] = [:]
        var files: [String: String] = [:]
        for option in take("blockdev") {
            var fields = OptionFields(option.value ?? "", implied: "driver")
            guard let name = fields.take("node-name"), let driver = fields.take("driver") else {
                lose(option.text, "it has no name")
                continue
            }
            var drive = AdoptedDrive(text: option.text)
            let below = fields.take("file")
            drive.file = fields.take("filename", "file.filename") ?? below.flatMap { files[$0] }
            if ["file", "host_device"].contains(driver) { files[name] = drive.file } else { drive.format = driver }
            // The node on top is the drive; the one below is named by it.
            if let below { nodes[below] = nil }
            readLimits(&fields, into: &drive)
            leave(
                "aio", "discard", "detect-zeroes", "auto-read-only", "cache.direct", "cache.no-flush", "file.aio",
                "locking", "file.locking", "file.cache.direct", "file.cache.no-flush", "file.discard", in: &fields,
                of: "-blockdev")
            fields.drop("file.driver")
            drive.rest = fields
            nodes[name] = drive
        }
        return nodes
    }

    /// The drives of the `-device` options, taken out of those that wait for one.
    private mutating func plug(_ unplugged: inout [String: AdoptedDrive]) -> [AdoptedDrive] {
        let drivers: [String: (bus: DiskBus?, isCD: Bool)] = [
            "virtio-blk-pci": (.virtio, false), "virtio-blk": (.virtio, false),
            "virtio-blk-pci-non-transitional": (.virtio, false), "virtio-blk-pci-transitional": (.virtio, false),
            "scsi-hd": (.scsi, false), "scsi-disk": (.scsi, false), "ide-hd": (.sata, false),
            "ide-drive": (.sata, false), "ide-cd": (.sata, true), "scsi-cd": (.scsi, true), "nvme": (nil, false),
            "usb-storage": (nil, false),
        ]
        var plugged: [AdoptedDrive] = []
        for (option, driver, fields) in takeDevices({ drivers[$0] != nil }) {
            var fields = fields
            guard let kind = drivers[driver] else { continue }
            let node = fields.take("drive") ?? ""
            guard var drive = unplugged.removeValue(forKey: node) ?? (kind.isCD ? AdoptedDrive(text: "") : nil) else {
                lose(option.text, "its drive is not known")
                continue
            }
            (drive.bus, drive.isCD) = (kind.bus, kind.isCD || drive.isCD)
            drive.text = drive.text.isEmpty ? option.text : drive.text
            readLimits(&fields, into: &drive)
            let what = "-device \(driver)"
            leave(
                "write-cache", "iothread", "scsi-id", "lun", "channel", "device_id", "num-queues", in: &fields, of: what
            )
            plugged.append(drive)
            if let place = fields.take("bootindex") {
                lose("\(what): bootindex=\(place)", "BOOT says the order of kinds")
            }
            lose(fields, of: what)
        }
        return plugged
    }

    private mutating func write(_ drives: [AdoptedDrive]) {
        var (disks, discs) = (0, 0)
        for drive in drives {
            if let file = drive.file, file.contains("://") || drive.format == "rbd" || drive.format == "nbd" {
                lose(drive.text, "kvmctl takes files and block devices")
            } else if drive.file.map(absolute) == .some(nil) {
                losePath(drive.text)
            } else if drive.isCD {
                add(KeyName(.cdrom, discs), drive.file.flatMap(absolute) ?? "", drive.text)
                discs += 1
            } else if let file = drive.file.flatMap(absolute) {
                write(drive, file, disks)
                disks += 1
            } else {
                lose(drive.text, "it names no file")
            }
            lose(drive.rest, of: "-drive")
        }
        if discs == 0, hasDefaults { add(KeyName(.cdrom, 0), "", "QEMU's default: an empty drive") }
    }

    private mutating func write(_ drive: AdoptedDrive, _ file: String, _ index: Int) {
        add(KeyName(.disk, index), file, drive.text)
        switch drive.format ?? facts.formats[file] {
        case nil:
            lose("DISK\(index): its format", "QEMU found it out; without DISK\(index)_FORMAT kvmctl takes it for raw")
        case let format? where DiskFormat(rawValue: format) == nil:
            lose("DISK\(index): format=\(format)", "kvmctl takes raw and qcow2")
        case let format?: add(KeyName(.diskFormat, index), format, drive.text)
        }
        switch drive.bus {
        case .virtio: break
        case .sata where found.value(of: KeyName(.machine)).flatMap { MachineModel($0) }?.family == .pc:
            lose(
                "DISK\(index): its bus, IDE",
                "kvmctl's pc has virtio and scsi: the guest sees virtio, and needs its driver")
        case let bus?: add(KeyName(.diskBus, index), bus.rawValue, drive.text)
        case nil: lose("DISK\(index): its bus", "kvmctl has virtio, scsi and sata: the guest sees virtio")
        }
        let others: [(ParamsKey, String?)] = [
            (.diskReadOnly, drive.isReadOnly ? "yes" : nil), (.diskSerial, drive.serial), (.diskCache, drive.cache),
            (.diskIOPS, drive.iops == "0" ? nil : drive.iops), (.diskBPS, drive.bps == "0" ? nil : drive.bps),
        ]
        for (key, value) in others { if let value { add(KeyName(key, index), value, drive.text) } }
    }
}
