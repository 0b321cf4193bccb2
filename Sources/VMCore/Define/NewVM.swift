import BridgeNet
import SystemPackage

/// What a command line says of a VM to create; nil or empty: nothing.
package struct NewVM: Equatable, Sendable {
    /// `NAME`.
    package var name: VMName?
    /// `MEMORY`.
    package var memory: ByteCount?
    /// `CPUS`.
    package var cpus: Int?
    /// `KERNEL`, absolute.
    package var kernel: FilePath?
    /// `INITRD`, absolute.
    package var initrd: FilePath?
    /// `APPEND`.
    package var append: String?
    /// The sizes of new disks, DISK0 first; empty: no disk.
    package var disks: [ByteCount]?
    /// The image that the first disk is made of.
    package var image: Image?
    /// The files of its seed for cloud-init, by the names that they get.
    package var userData: [UInt8]?
    /// The same for the network.
    package var networkConfig: [UInt8]?
    /// `CLOUDINIT_HOSTNAME`.
    package var hostname: String?
    /// The format of all new disks.
    package var format: DiskFormat?
    /// `CDROMn`, absolute, CDROM0 first; empty: no CD drive.
    package var cdroms: [FilePath]?
    /// `NETn`, NET0 first; empty: no network card.
    package var networks: [Network]?
    /// `NET0_MAC`.
    package var mac: MACAddress?
    /// `FORWARDn`, FORWARD0 first.
    package var forwards: [PortForward] = []
    /// `VNCDISP`.
    package var vnc: VNCDisplay?
    /// The words of `--set`: `KEY=VALUE`.
    package var settings: [String] = []
    /// What a list of VMs says of it.
    package var cells: [Cell] = []

    /// A field of a list of VMs.
    package struct Cell: Equatable, Sendable {
        /// What it says.
        package var edit: ParamsEdit
        /// Where it is, as messages say it.
        package var place: String
    }

    /// The image that a disk is made of.
    package struct Image: Equatable, Sendable {
        /// Where it is.
        package var path: FilePath
        /// Its format.
        package var format: DiskFormat
        /// Whether the disk is an overlay of it, not a copy.
        package var isBase: Bool
        /// What it stands on itself, the nearest first.
        package var below: [FilePath]
        /// An overlay of it of which the disk is to be a copy, not empty; nil: none.
        package var overlay: FilePath?

        /// Describes an image; see the properties.
        package init(path: FilePath, format: DiskFormat, isBase: Bool, below: [FilePath] = []) {
            (self.path, self.format, self.isBase, self.below) = (path, format, isBase, below)
        }

        /// What the disk stands on; empty: nothing.
        var layers: [FilePath] { isBase ? [path] + below : below }

        /// The same as `DISKn_BACKING` has it; nil: nothing.
        ///
        /// - Throws: `.unavailable` if no line can say it.
        func backing() throws(VMError) -> String? {
            guard !layers.isEmpty else { return nil }
            guard layers.count <= BackingList.longest else {
                throw VMError(
                    .unavailable, path.string,
                    "stands on \(layers.count - 1) images, and \(BackingList.longest) are the most",
                    remedy: "make one image of some of them: qemu-img convert -O qcow2")
            }
            if let text = BackingList.text(layers) { return text }
            let path = layers.first { BackingList.text([$0]) == nil } ?? path
            throw VMError(
                .unavailable, path.string, "has a colon in its path, which stands between two paths in DISKn_BACKING",
                remedy: "give the file or its directory another name")
        }

        /// The format of the disk.
        package var diskFormat: DiskFormat { isBase ? .qcow2 : format }
    }

    /// Nothing is said.
    package init() {}

    /// What a refusal ends with.
    package static let nothingCreated = "Nothing was created."

    /// Takes what the settings say of disks and networks, of which neither options nor `--set` say anything.
    package mutating func fillIn(_ usual: CreateDefaults) {
        let named = settings.compactMap { try? ParamsEdit($0).key.ofItsThing }
        if disks == nil, !named.contains(where: { [.disk, .diskSize].contains($0.key) }), !usual.disks.isEmpty {
            disks = usual.disks
        }
        if networks == nil, !named.contains(KeyName(.net, 0)) { networks = usual.networks }
    }

    /// What a VM gets if nothing is said of it.
    package struct Defaults: Equatable, Sendable {
        /// `MEMORY`.
        package var memory: ByteCount
        /// `CPUS`.
        package var cpus: Int
        /// The format of new disks.
        package var format = DiskFormat.raw
        /// `NET0`.
        package var network: Network
        /// `VNCDISP`.
        package var vnc: VNCDisplay

        /// - Parameters:
        ///   - isRoot: whether root creates it; only root's VMs can be on a bridge.
        ///   - usual: what the settings say.
        package init(isRoot: Bool, _ usual: CreateDefaults = CreateDefaults()) {
            (memory, cpus, vnc) = (usual.memory, usual.cpus, usual.vnc)
            network = DeviceName("br0").flatMap { isRoot ? .bridge($0) : nil } ?? .user
        }

        /// What the user should know of its network.
        var notices: [String] {
            network == .user ? ["NET0=user, a network that needs no root; --net chooses another"] : []
        }
    }
}

extension NewVM {
    /// A line that an option asks for, or a default.
    struct Line {
        var key: KeyName
        var value: String
        /// The option; nil: a default.
        var option: String?

        /// nil if neither the option nor a default says anything.
        init?(
            _ key: ParamsKey, at index: Int? = nil, _ value: String? = nil, by option: String = "",
            else standard: String? = nil
        ) {
            guard let text = value ?? standard else { return nil }
            (self.key, self.value, self.option) = (KeyName(key, index), text, value == nil ? nil : option)
        }
    }

    /// The lines of the options, in the order of a new file.
    ///
    /// - Parameters:
    ///   - isLike: whether there is a model: what no option says is then as there.
    ///   - newDisks: which disks are made, if their sizes are not those of the options.
    ///   - copies: those of them that are made of what the model has, of which it says all already.
    func lines(
        _ choices: NewVMPlan.Choices, uuid: UUID, isLike: Bool, newDisks: [Int], copies: Set<Int>
    ) throws(VMError) -> [Line] {
        let defaults = isLike ? nil : choices.defaults
        var lines = [
            Line(.name, name?.description, by: "--name"), Line(.uuid, else: uuid.description),
            Line(.machine, else: choices.machine),
            Line(.memory, memory?.parameter, by: "--memory", else: defaults?.memory.parameter),
            Line(.cpus, cpus?.description, by: "--cpus", else: defaults?.cpus.description),
            Line(.kernel, kernel?.string, by: "--kernel"), Line(.initrd, initrd?.string, by: "--initrd"),
            Line(.append, append, by: "--append"),
        ]
        for index in disks.map({ Array($0.indices) }) ?? newDisks {
            if disks != nil { lines.append(Line(.disk, at: index, Self.image(index), by: "--disk")) }
            if index == 0, let image {
                lines.append(Line(.diskFormat, at: 0, image.diskFormat.rawValue, by: "--image"))
                lines.append(Line(.diskBacking, at: 0, try image.backing(), by: "--image"))
                continue
            }
            if copies.contains(index) { continue }
            lines.append(
                Line(
                    .diskFormat, at: index, format?.rawValue, by: "--format",
                    else: disks == nil ? nil : choices.defaults.format.rawValue))
        }
        for (index, path) in (cdroms ?? []).enumerated() {
            lines.append(Line(.cdrom, at: index, path.string, by: "--cdrom"))
        }
        if let networks {
            let values = networks.isEmpty ? ["none"] : networks.map(\.description)
            for (index, value) in values.enumerated() { lines.append(Line(.net, at: index, value, by: "--net")) }
        } else {
            lines.append(Line(.net, at: 0, else: defaults?.network.description))
        }
        lines.append(Line(.netMAC, at: 0, mac?.description, by: "--mac"))
        for (index, forward) in forwards.enumerated() {
            lines.append(Line(.forward, at: index, forward.description, by: "--forward"))
        }
        lines += [
            Line(.cloudInitUserData, userData.map { _ in SeedFileName.userData }, by: "--user-data"),
            Line(.cloudInitNetwork, networkConfig.map { _ in SeedFileName.networkConfig }, by: "--network-config"),
            Line(.cloudInitHostname, hostname, by: "--hostname"),
        ]
        lines.append(Line(.vncDisplay, vnc?.description, by: "--vnc", else: defaults?.vnc.description))
        return lines.compactMap(\.self)
    }

    /// The files that are written beside the params file, by their names. They may hold password hashes.
    var files: [(name: String, content: [UInt8])] {
        [(SeedFileName.userData, userData), (SeedFileName.networkConfig, networkConfig)].compactMap { name, content in
            content.map { (name: name, content: $0) }
        }
    }

    /// The name of the image of a new disk, in the VM's directory.
    static func image(_ index: Int) -> String { "vdisk\(index)" }
}

/// What the files of a new VM's seed for cloud-init are called, in its directory.
enum SeedFileName {
    static let userData = "user-data"
    static let networkConfig = "network-config"
}
