import BridgeNet
import FoundationEssentials
import SystemPackage
import VMCore
import VMHost

/// The description of a VM as it was started, written into its run-time directory before it runs, so that other
/// commands can describe it without asking QEMU. Trusted only while the VM's lock is held. Another user may have
/// written it, so it is parsed into types that can't hold impossible values.
struct Manifest: Equatable {
    var name: VMName
    var uuid: String
    /// The params file, absolute.
    var file: FilePath
    var memory: ByteCount
    var cpus: Int
    var accelerator: String
    /// Where the VNC server listens, if there is one and its address is known.
    var vnc: VNCServer?
    /// Whether there is a VNC server.
    var hasVNC: Bool
    /// Whether the VNC server asks for a password.
    var hasVNCPassword: Bool
    var nics: [NIC]
    var forwards: [PortForward]
    /// The paths of disks and CDs.
    var media: [FilePath]
    /// Whether kvmctl became QEMU, which then completes its start by itself.
    var foreground: Bool

    struct NIC: Equatable {
        var index: Int
        var mac: String
        /// As in vm.params: `bridge:br0`, `user`.
        var network: String
        /// The tap or macvtap, if there is one.
        var tap: String?
        /// Its IP address on kvmctl's own network, if it has one.
        var address: String?
        /// Its other settings.
        var settings = NICSettings()
    }

    init(_ plan: LaunchPlan, foreground: Bool) {
        self.foreground = foreground
        let summary = plan.summary
        name = plan.name
        uuid = plan.uuid.uuidString.lowercased()
        file = plan.file
        memory = summary.memory
        cpus = summary.cpus
        accelerator = summary.accelerator
        hasVNC = summary.vncDisplay != .none
        hasVNCPassword = summary.vncHasPassword
        if case .number(let display) = summary.vncDisplay, let port = VNCPort(display: display) {
            vnc = VNCServer(address: summary.vncBind, port: port)
        }
        nics = summary.nics.map {
            NIC(
                index: $0.index, mac: $0.mac.description, network: $0.network.description, tap: nil,
                settings: $0.settings)
        }
        forwards = summary.forwards
        media = summary.media
    }

    /// The manifest of a VM; nil if there is none, or it is not valid.
    ///
    /// - Throws: why it can't be read: then it is not known which VM's it is.
    static func read(_ directory: RuntimeDirectory) throws(VMError) -> Manifest? {
        do throws(Errno) {
            return Manifest(try readOwnFile(directory.manifestFile))
        } catch .noSuchFileOrDirectory {
            return nil
        } catch {
            throw .system(error, directory.manifestFile.string, "can't be read")
        }
    }

    /// Whether the VM was started from this params file.
    func isOf(_ file: FilePath) throws(VMError) -> Bool {
        do throws(Errno) { return try isSameFile(self.file, file) } catch {
            throw .system(
                error, file.string, "can't tell whether it is \(self.file), which \(name) was started from")
        }
    }

    /// Parses what `write` wrote; nil if it is not valid.
    init?(_ bytes: [UInt8]) {
        guard let json = try? JSON(parsing: bytes) else { return nil }
        self.init(json)
    }

    /// The VNC server. A QEMU in the foreground chooses its display after kvmctl is gone: then the flight record has
    /// it.
    ///
    /// - Throws: why the record can't be read.
    func display(in place: Paths) throws(VMError) -> VNCServer? {
        guard vnc == nil, foreground else { return vnc }
        return try FlightRecord.vncServer(in: place.record(name)).flatMap { VNCServer($0) }
    }

    /// The host ports that it listens on.
    func ports(in place: Paths) throws(VMError) -> [HostPort] {
        let vnc = try display(in: place).map { HostPort(.tcp, $0.address, $0.port.number) }
        return forwards.map(\.hostEnd) + [vnc].compactMap(\.self)
    }

    func write(to directory: RuntimeDirectory) throws(VMError) {
        do throws(Errno) {
            try replaceFile(
                directory.manifestFile, with: Array(text.utf8), permissions: 0o640,
                group: Accounts.lookers)
        } catch {
            throw .system(error, name.description, "\(directory.manifestFile) can't be written")
        }
    }
}

extension Manifest {
    /// The content of the file.
    var text: String { json.prettyText + "\n" }

    private var json: JSON {
        [
            "name": .string(name.description), "uuid": .string(uuid), "file": .string(file.string),
            "memoryBytes": .integer(memory.bytes),
            "cpus": .integer(Int64(cpus)), "accelerator": .string(accelerator), "foreground": .bool(foreground),
            "vnc": vnc.map { ["address": .string($0.address), "port": .integer(Int64($0.port.number))] } ?? .null,
            "hasVNC": .bool(hasVNC), "hasVNCPassword": .bool(hasVNCPassword),
            "media": .array(media.map { .string($0.string) }),
            "forwards": .array(forwards.map { .string($0.description) }),
            "nics": .array(
                nics.map { nic in
                    [
                        "index": .integer(Int64(nic.index)), "mac": .string(nic.mac), "network": .string(nic.network),
                        "tap": nic.tap.map(JSON.string) ?? .null,
                        "address": nic.address.map(JSON.string) ?? .null, "settings": nic.settings.json,
                    ]
                }),
        ]
    }

    private init?(_ json: JSON) {
        guard let name = json["name"]?.string.flatMap({ VMName($0) }), let uuid = json["uuid"]?.string,
            let file = json["file"]?.path, let memory = json["memoryBytes"]?.integer, memory >= 0,
            let cpus = json["cpus"]?.integer(in: 1...Int(UInt16.max)),
            let accelerator = json["accelerator"]?.string, let foreground = json["foreground"]?.bool
        else { return nil }
        self.name = name
        self.uuid = uuid
        self.file = file
        self.memory = ByteCount(bytes: memory)
        self.cpus = cpus
        self.accelerator = accelerator
        self.foreground = foreground
        if let vnc = json["vnc"], let address = vnc["address"]?.string,
            let port = vnc["port"]?.integer.flatMap({ VNCPort($0) })
        {
            self.vnc = VNCServer(address: address, port: port)
        }
        hasVNC = json["hasVNC"]?.bool ?? (vnc != nil)
        hasVNCPassword = json["hasVNCPassword"]?.bool ?? false
        media = (json["media"]?.array ?? []).compactMap(\.path)
        forwards = (json["forwards"]?.array ?? []).compactMap(\.string).compactMap { try? ParamsDecoder.forward($0) }
        nics = (json["nics"]?.array ?? []).compactMap(NIC.init)
    }
}

extension Manifest.NIC {
    fileprivate init?(_ json: JSON) {
        guard let index = json["index"]?.integer(in: 0...Int(UInt8.max)), let mac = json["mac"]?.string,
            let network = json["network"]?.string
        else { return nil }
        self.init(
            index: index, mac: mac, network: network, tap: json["tap"]?.string, address: json["address"]?.string,
            settings: NICSettings(json["settings"]))
    }
}

extension JSON {
    /// A string that is an absolute path that Linux accepts: no NUL, and at most 4095 bytes (PATH_MAX of limits.h, less
    /// the NUL). Checked before making a FilePath, which takes quadratic time.
    fileprivate var path: FilePath? {
        guard let text = string, text.utf8.count < 4096, text.utf8.first == UInt8(ascii: "/"),
            !text.utf8.contains(0)
        else { return nil }
        return FilePath(text)
    }
}

extension NICSettings {
    fileprivate var json: JSON {
        [
            "queues": .integer(Int64(queues)), "vlans": vlans.map(JSON.string) ?? .null,
            "rate": rate.map(JSON.integer) ?? .null, "filter": filter.map(JSON.string) ?? .null,
        ]
    }

    fileprivate init(_ json: JSON?) {
        self.init()
        queues = json?["queues"]?.integer(in: 1...Int(UInt16.max)) ?? 1
        vlans = json?["vlans"]?.string
        rate = json?["rate"]?.integer.flatMap { BitRate.range.contains(BitRate(bitsPerSecond: $0)) ? $0 : nil }
        filter = json?["filter"]?.string
    }
}
