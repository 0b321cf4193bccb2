import SystemPackage

/// Another VM's file, as a model for a new one.
package struct ModelVM: Sendable {
    /// Whether the new VM is its copy: what is on its disks too, but not what is done to it (PROTECT, AUTOSTART).
    package var isCloned = false
    /// Its path.
    package var file: FilePath
    /// What it says.
    package var text: String
    /// The same, decoded, with what it includes.
    package var params: VMParams
    /// How large its disks are, or why that is not known.
    package var sizes: [Int: Result<ByteCount, VMError>]
    /// What new disks are made of: by a template its own, by another VM what its own stand on. Those of others are empty.
    package var images: [Int: Result<NewVM.Image, VMError>] = [:]
    /// What is in the small files of its directory that each VM has for itself, by the keys that name them.
    package var files: [KeyName: Result<[UInt8], VMError>] = [:]

    /// Describes a model; see the properties.
    package init(_ file: FilePath, _ text: String, _ params: VMParams, sizes: [Int: Result<ByteCount, VMError>]) {
        (self.file, self.text, self.params, self.sizes) = (file, text, params, sizes)
    }

    /// The keys of such files, and what these are called beside the file of a new VM.
    package static let ownFiles: [(key: KeyName, name: String)] = [
        (KeyName(.cloudInitUserData), SeedFileName.userData), (KeyName(.cloudInitNetwork), SeedFileName.networkConfig),
        (KeyName(.vncPasswordFile), "vnc.password"),
    ]

    /// Whether a path is that of a file in its directory.
    package func isOwn(_ path: FilePath) -> Bool {
        path.lexicallyNormalized().removingLastComponent() == file.removingLastComponent()
    }
}

extension ModelVM {
    /// What becomes of it.
    struct Adapted {
        var document = ParamsDocument()
        /// The disks that are made anew: n of `DISKn`.
        var newDisks: [Int] = []
        /// What those are made of that are not empty.
        var images: [Int: NewVM.Image] = [:]
        /// The files that are written beside the new one.
        var files: [(name: String, content: [UInt8])] = []
        var notices: [String] = []
    }

    /// Its text for another VM: without what only one VM can have, and with that VM's own.
    ///
    /// - Parameters:
    ///   - named: the keys that `--set` sets: these are left as they are.
    ///   - emptied: those of them that it sets to nothing: what else describes such a thing goes with it.
    ///   - directory: where the new file will be.
    /// - Throws: `.usage` for what only a person can decide.
    func adapted(
        to vm: NewVM, setting named: Set<KeyName>, emptying emptied: [KeyName], uuid: UUID, in directory: FilePath
    ) throws(VMError) -> Adapted {
        try refuseEmptyDisks(of: vm)
        var adapted = Adapted()
        var edits: [ParamsEdit] = []
        let own = GivenKeys(in: text).values
        for (key, value) in own.sorted(by: { $0.key.precedes($1.key) }) where !named.contains(key) {
            if emptied.contains(key.thing) || isNamed(key, by: named) {
                edits.append(ParamsEdit(key, to: nil))
            } else if let own = try ownFile(key, for: vm) {
                edits.append(ParamsEdit(key, to: own.name))
                adapted.files.append(own)
            } else if let new = try replacement(of: key, value, for: vm, uuid: uuid, in: directory) {
                edits.append(ParamsEdit(key, to: new))
            } else {
                edits.append(ParamsEdit(key, to: nil))
            }
        }
        if vm.disks == nil {
            for disk in params.disks where !named.contains(KeyName(.disk, disk.index)) && !isShared(disk, named) {
                let image = try images[disk.index]?.get()
                let new = try newDisk(disk, of: image, setting: named, own)
                edits.removeAll { edit in new.contains { $0.key == edit.key } }
                edits += new
                adapted.newDisks.append(disk.index)
                adapted.images[disk.index] = image
            }
        }
        edits.removeAll { $0.value != nil && $0.value == own[$0.key] }
        adapted.document = ParamsDocument(Array(try ParamsEdit.applying(edits, to: text).utf8))
        adapted.notices = notices(
            of: adapted.newDisks.filter { adapted.images[$0] == nil }, own, edits, setting: named)
        return adapted
    }

    /// Refuses `--disk` where it would make an empty disk in place of a template's.
    private func refuseEmptyDisks(of vm: NewVM) throws(VMError) {
        guard params.template.value, vm.disks?.isEmpty == false, let disk = images.keys.min() else { return }
        let (size, next) = (KeyName(.diskSize, disk), (params.disks.map(\.index).max() ?? 0) + 1)
        throw VMError(
            .usage, "--disk", "would make an empty disk in place of that of the template \(file)",
            remedy: """
                --set \(size)=40G makes that one larger; --set \(KeyName(.disk, next))=vdisk\(next) --set \
                \(KeyName(.diskSize, next))=8G adds a new one
                """)
    }

    /// A disk that a template only reads is there for all VMs, and one that a VM only reads for its copies.
    private func isShared(_ disk: VMParams.Disk, _ named: Set<KeyName>) -> Bool {
        (params.template.value || isCloned) && disk.readOnly.value
            && !named.contains(KeyName(.diskReadOnly, disk.index))
    }

    /// What another disk would not stand on.
    private func isNamed(_ key: KeyName, by named: Set<KeyName>) -> Bool {
        key.key == .diskBacking && named.contains(key.thing)
    }

    /// A file of its own directory that the new VM gets a copy of; nil if the key names none.
    private func ownFile(_ key: KeyName, for vm: NewVM) throws(VMError) -> (name: String, content: [UInt8])? {
        guard !isReplaced(key, by: vm), let content = files[key],
            let name = Self.ownFiles.first(where: { $0.key == key })?.name
        else { return nil }
        return (name, try content.get())
    }

    /// What a key says in the new file; nil: nothing.
    private func replacement(
        of key: KeyName, _ value: String, for vm: NewVM, uuid: UUID, in directory: FilePath
    ) throws(VMError) -> String? {
        if isReplaced(key, by: vm) { return nil }
        switch key.key {
        case .name: return isCloned ? Self.name(of: vm, in: directory)?.description : nil
        case .netTap, .forward, .template: return nil
        case .protect where isCloned, .autostart where isCloned: return nil
        case .cloudInitHostname: return isSeed ? nil : Self.hostname(of: vm, in: directory)
        case .disk where isShared(key): return absolute(value, from: directory)
        case .diskBacking:
            let layers = value.split(separator: BackingList.separator).map { absolute(String($0), from: directory) }
            return layers.joined(separator: String(BackingList.separator))
        case .uuid: return uuid.description
        case .netMAC: return key.index.map { "\(Identity.mac(uuid: uuid, nic: $0))" }
        case .vncDisplay: return Int(value) == nil ? value : "\(VNCDisplay.auto)"
        case .kernel, .initrd, .cdrom, .vncPasswordFile, .include, .share, .cloudInitUserData, .cloudInitNetwork:
            return absolute(value, from: directory)
        case .qemu: return value.contains("/") ? absolute(value, from: directory) : value
        case .netFilter where value.contains("ip="):
            throw undecided(key, "names the addresses of its guest", "\(key)=mac,ip=ADDRESS")
        case .qemuArgument:
            throw undecided(key, "may name what only one VM can have", "\(key)=ARGUMENT")
        default: return value
        }
    }

    /// Whether something besides a host name asks for a seed. Its own name is the guest's then.
    private var isSeed: Bool { params.cloudInit?.files.isEmpty == false }

    private static func hostname(of vm: NewVM, in directory: FilePath) -> String? {
        name(of: vm, in: directory).map { CloudSeed.hostname(of: $0) }
    }

    private static func name(of vm: NewVM, in directory: FilePath) -> VMName? {
        vm.name ?? directory.lastComponent.flatMap { VMName($0.string) }
    }

    private func isShared(_ key: KeyName) -> Bool {
        params.disks.contains { $0.index == key.index && isShared($0, []) }
    }

    /// Whether options replace the things that the key is about. Of a disk or card in the same place, its kind stays: it is
    /// what the guest has drivers for.
    private func isReplaced(_ key: KeyName, by vm: NewVM) -> Bool {
        let index = key.index ?? 0
        switch key.thing.key {
        case .disk: return vm.disks.map { index >= $0.count || ![.disk, .diskBus].contains(key.key) } ?? false
        case .net:
            guard let networks = vm.networks else { return false }
            if index >= networks.count { return key != KeyName(.net, 0) }
            return ![.net, .netMAC, .netModel].contains(key.key)
        case .cdrom: return vm.cdroms.map { index >= $0.count } ?? false
        case .cloudInitUserData: return vm.userData != nil
        case .cloudInitNetwork: return vm.networkConfig != nil
        default: return false
        }
    }

    /// A disk like its own, but empty, or made of an image.
    private func newDisk(
        _ disk: VMParams.Disk, of image: NewVM.Image?, setting named: Set<KeyName>, _ own: [KeyName: String]
    ) throws(VMError) -> [ParamsEdit] {
        let index = disk.index
        let (key, size) = (KeyName(.disk, index), KeyName(.diskSize, index))
        if disk.readOnly.value, !named.contains(KeyName(.diskReadOnly, index)) {
            throw undecided(key, "is read-only, and an empty one would be of no use", "\(key)=FILE")
        }
        var edits = [ParamsEdit(key, to: NewVM.image(index))]
        if !named.contains(size) {
            let found: ByteCount
            do throws(VMError) { found = try (sizes[index] ?? .success(ByteCount(bytes: 0))).get() } catch {
                var error = error
                error.remedy = "give the new disk a size: --set \(size)=8G"
                throw error
            }
            if own[size] != nil { edits.append(ParamsEdit(size, to: found.parameter)) }
        }
        let format = KeyName(.diskFormat, index)
        if !named.contains(format) {
            edits.append(ParamsEdit(format, to: (image?.diskFormat ?? disk.format?.value ?? .raw).rawValue))
        }
        let (backing, text) = (KeyName(.diskBacking, index), try image?.backing())
        if text != nil || own[backing] != nil, !named.contains(backing) {
            edits.append(ParamsEdit(backing, to: text))
        }
        return edits
    }

    private func undecided(_ key: KeyName, _ why: String, _ line: String) -> VMError {
        VMError(
            .usage, "\(file): \(key)", why,
            remedy: "say what the new VM has instead: --set \(line); --set \(key)= leaves it out")
    }

    /// A path that means the same from another directory.
    private func absolute(_ value: String, from directory: FilePath) -> String {
        var (here, rest) = (file.removingLastComponent(), value[...])
        guard !value.isEmpty, !value.hasPrefix("/"), here != directory else { return value }
        // Without the model's own directory, which may be renamed or removed.
        while rest.hasPrefix("../"), here.removeLastComponent() { rest = rest.dropFirst(3) }
        return here.appending(String(rest)).string
    }
}
