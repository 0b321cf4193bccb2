import SystemPackage

extension ParamsDecoder {
    /// Decodes the path of a key that names a file.
    mutating func path(_ key: ParamsKey, at index: Int? = nil) -> Setting<FilePath>? {
        let directory = directory(of: key, at: index)
        return setting(key, at: index) { text throws(ValueFault) in try ParamValue.path(text, in: directory) }
    }

    mutating func decodeDisks(on board: MachineModel.Family) -> [VMParams.Disk] {
        var disks: [VMParams.Disk] = []
        for index in indices(of: .disk) {
            // All settings are decoded before the path is looked at, so that all their faults are reported.
            let path = path(.disk, at: index)
            let size = setting(.diskSize, at: index, Self.diskSize)
            let format = setting(.diskFormat, at: index) { text throws(ValueFault) in
                try Self.diskFormat(text, of: path?.value, index)
            }
            let backing = decodeBacking(of: index)
            if !backing.isEmpty { requireOverlay(index, format) }
            let readOnly = setting(.diskReadOnly, at: index, default: false, ParamValue.bool)
            let serial = setting(.diskSerial, at: index, Self.serial)
            let iops = setting(.diskIOPS, at: index, Self.iops)
            let bps = setting(.diskBPS, at: index, Self.bps)
            let cache: Setting<CacheMode>? = setting(.diskCache, at: index, ParamValue.word)
            let bus = setting(.diskBus, at: index, default: DiskBus.virtio, ParamValue.word)
            if bus.value == .sata { refuseOnSATA(index, readOnly, board) }
            guard let path else { continue }
            disks.append(
                VMParams.Disk(
                    index: index, path: path, size: size, format: format, backing: backing, readOnly: readOnly,
                    serial: serial,
                    iops: iops,
                    bps: bps, cache: cache, bus: bus))
        }
        refuseSharedPaths(disks)
        return disks
    }

    mutating func decodeCDROMs() -> [VMParams.CDROM] {
        indices(of: .cdrom).compactMap { index in
            let directory = directory(of: .cdrom, at: index)
            let path = setting(.cdrom, at: index) { text throws(ValueFault) -> FilePath? in
                text.isEmpty ? nil : try ParamValue.path(text, in: directory)
            }
            return path.map { VMParams.CDROM(index: index, path: $0) }
        }
    }

    /// Only a qcow2 image says of each part whether it is its own.
    private mutating func requireOverlay(_ index: Int, _ format: Setting<DiskFormat>?) {
        let (key, line) = (KeyName(.diskBacking, index), ParamsLine(KeyName(.diskFormat, index), "qcow2"))
        guard format?.value != .qcow2, format != nil || !mentions(.diskFormat, at: index) else { return }
        conflict(
            .diskBacking, at: index,
            "\(key): only a qcow2 image can be an overlay\(format.map { ", and \(KeyName(.diskFormat, index))\(place($0.origin)) says \($0.value.rawValue)" } ?? "")",
            hint: format == nil
                ? "Add a line \(adding: line)." : "Write \(line) there, or \(removal: "remove this line.")")
    }

    /// Refuses what a SATA disk can't be.
    private mutating func refuseOnSATA(_ index: Int, _ readOnly: Setting<Bool>, _ board: MachineModel.Family) {
        if board == .pc {
            conflict(
                .diskBus, at: index, "DISK\(index)_BUS: a pc machine has no SATA controller",
                hint: "Write \(value: "scsi") or virtio, or use MACHINE=q35.")
        }
        if readOnly.value {
            conflict(
                .diskBus, at: index,
                "DISK\(index)_BUS: ATA has no write protection, which DISK\(index)_READONLY\(place(readOnly.origin)) asks for",
                hint: "Write \(value: "scsi") or virtio, or attach the image as a CDROMn.")
        }
    }

    /// Two disks that write to one image corrupt it.
    private mutating func refuseSharedPaths(_ disks: [VMParams.Disk]) {
        guard disks.count > 1 else { return }
        let paths = disks.map { disk in
            // Without a dot there is no `..`, and the path is as short as it can be already.
            let mayGoUp = assignment(.disk, at: disk.index)?.value.utf8.contains(UInt8(ascii: ".")) ?? true
            return mayGoUp ? disk.path.value.lexicallyNormalized() : disk.path.value
        }
        for (position, disk) in disks.enumerated() {
            let other = disks.indices[..<position].first { index in
                paths[index] == paths[position] && !(disks[index].readOnly.value && disk.readOnly.value)
            }.map { disks[$0] }
            guard let other else { continue }
            conflict(
                .disk, at: disk.index,
                "DISK\(disk.index): this is the same file as DISK\(other.index)\(place(other.path.origin))",
                hint: "Two disks that share one file corrupt it. Name another file, or set _READONLY=yes for both.",
                trying: [readOnlyBoth(disk, other)])
        }
    }

    private func readOnlyBoth(_ disks: VMParams.Disk...) -> Hint {
        let lines = disks.filter { !$0.readOnly.value }.map { ParamsLine(KeyName(.diskReadOnly, $0.index), "yes") }
        let words = lines.map(\.description).joined(separator: " and ")
        return Hint(
            text: "Two disks that share one file corrupt it. Name another file, or add \(words).",
            offers: [.addition(lines)])
    }

    /// ` on line 3`, or ` (--net)`, for the other side of a conflict.
    func place(_ origin: Origin) -> String {
        switch origin {
        case .line(let line, _): words.map { $0[line].map { " (\($0))" } ?? "" } ?? " on line \(line)"
        case .included(let file, let line, _): " on line \(line) of \(file)"
        case .standard, .everyVM, .derived, .option, .host: ""
        }
    }

    static func diskSize(_ text: String) throws(ValueFault) -> ByteCount {
        // qemu-img takes a bare number as bytes, MEMORY as MiB: either choice would surprise someone.
        let size = try ParamValue.size(
            text, bareUnit: nil, in: ByteCount(bytes: 512)...ByteCount(bytes: 1 << 62))
        guard size.bytes % 512 == 0 else {
            throw ValueFault(
                "\(Printable.quoted(text)) is not a multiple of 512 bytes, the size of a sector",
                hint: "Write a size such as \(example: "8G") or \(example: "512M").")
        }
        return size
    }

    /// - Parameter image: the disk's path, if it is known.
    private static func diskFormat(_ text: String, of image: FilePath?, _ index: Int) throws(ValueFault) -> DiskFormat {
        if let format = DiskFormat(rawValue: text) { return format }
        let names = ["vmdk": "vmdk", "vdi": "vdi", "vhdx": "vhdx", "vpc": "vpc", "vhd": "vpc", "qed": "qed"]
        if let image, let format = names[text.lowercased()] {
            throw ValueFault(
                "\(Printable.quoted(text)) is a format that kvmctl does not open",
                hint: ImageConversion(of: image, from: format).hint(index))
        }
        throw ParamValue.unknownWord(text, of: DiskFormat.allCases.map(\.rawValue))
    }

    private static func serial(_ text: String) throws(ValueFault) -> String {
        // VIRTIO_BLK_ID_BYTES (virtio 1.2 §5.2.6).
        try ParamValue.text(
            text, "serial number", limit: 20, hint: "A serial number is at most 20 printable ASCII characters."
        ) { $0 >= 0x20 && $0 < 0x7f }
    }

    private static func iops(_ text: String) throws(ValueFault) -> Int {
        try ParamValue.integer(text, in: 1...1_000_000_000)
    }

    private static func bps(_ text: String) throws(ValueFault) -> ByteCount {
        // THROTTLE_VALUE_MAX of QEMU's throttle.h is 10^15; this is the nearest round number below.
        try ParamValue.size(text, bareUnit: .byte, in: ByteCount(bytes: 1)...ByteCount(bytes: 512 << 40))
    }
}
