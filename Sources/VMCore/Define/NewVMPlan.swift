import SystemPackage

/// A VM to create: what its params file says, and which disks are made. The same command line, host and model give the same
/// plan.
package struct NewVMPlan: Sendable {
    /// The text of the params file.
    package let text: String
    /// The same, decoded.
    package let params: VMParams
    /// The disks that are made, in the order of their keys.
    package let disks: [Disk]
    /// The other files that are written, absolute: only their owner may read them.
    package let files: [File]
    /// What the user should know.
    package let notices: [String]
    /// The fields of a list that it has keys from, as messages say where they are.
    package let fields: [KeyName: String]

    /// A file that is written.
    package struct File: Equatable, Sendable {
        /// Where.
        package var path: FilePath
        /// What is in it.
        package var content: [UInt8]
    }

    /// A disk that is made.
    package struct Disk: Equatable, Sendable {
        /// Where.
        package var path: FilePath
        /// What the guest will see.
        package var size: ByteCount
        /// The format of the image.
        package var format: DiskFormat
        /// The image that it is made of; nil: it is empty.
        package var image: NewVM.Image?
    }

    /// What is chosen for it.
    package struct Choices {
        /// A UUID that no VM has, nor any MAC that is derived from it.
        package var uuid: UUID
        /// The machine, with its version.
        package var machine: String
        /// What it gets if nothing is said.
        package var defaults: NewVM.Defaults

        package init(uuid: UUID, machine: String, defaults: NewVM.Defaults) {
            (self.uuid, self.machine, self.defaults) = (uuid, machine, defaults)
        }
    }

    /// Plans it.
    ///
    /// - Parameters:
    ///   - file: its params file, absolute.
    ///   - model: another VM's file, if it is to be like that.
    ///   - read: reads the files that a file includes.
    /// - Throws: every fault of the command line; what keeps the model from being one; what `read` throws.
    package init(
        _ vm: NewVM, at file: FilePath, like model: ModelVM? = nil, _ choices: Choices,
        including read: (ParamsSource) throws(VMError) -> [ParamsSource]
    ) throws(VMError) {
        let settings = vm.settings.compactMap { try? ParamsEdit($0) } + vm.cells.map(\.edit)
        let named = Set(settings.map(\.key.ofItsThing))
        // Its MACs are derived from the UUID that it will have.
        let uuid = settings.first { $0.key.key == .uuid }?.value.flatMap { UUID($0) } ?? choices.uuid
        var adapted = ModelVM.Adapted()
        if let model {
            adapted = try model.adapted(
                to: vm, setting: named, emptying: settings.compactMap(\.takenAway), uuid: uuid,
                in: file.removingLastComponent())
        } else {
            adapted.document.append(comment: "Made by kvmctl create. Every key: vm.params(5).")
        }
        var draft = NewParams(file, beginningWith: adapted.document, of: model?.file)
        let include = settings.first { $0.key.key == .include }?.value ?? draft.document.value(of: KeyName(.include))
        let included = try include.map { path throws(VMError) in
            try read(ParamsSource(file, Array("\(ParamsLine(KeyName(.include), path))\n".utf8)))
        }
        let lines = try vm.lines(
            choices, uuid: uuid, isLike: model != nil, newDisks: adapted.newDisks, copies: Set(adapted.images.keys))
        draft.write(lines, for: vm, including: included ?? [])
        let withoutMACs = try draft.decoded(including: included ?? [])
        for nic in withoutMACs.nics where nic.mac == nil {
            draft.fillIn(KeyName(.netMAC, nic.index), "\(Identity.mac(uuid: uuid, nic: nic.index))", besides: [])
        }
        params = try draft.decoded(including: included ?? [])
        text = draft.document.text
        files = (vm.files + adapted.files).map {
            File(path: file.removingLastComponent().appending($0.name), content: $0.content)
        }
        disks = try Self.disks(of: params, vm, model, adapted, named)
        fields = Dictionary(
            vm.cells.map { ($0.edit.key.ofItsThing, $0.place) }, uniquingKeysWith: { first, _ in first })
        let (path, made) = (params.cloudInit?.userData?.value, files)
        let userData = made.first { $0.path == path }
        let ignored = userData.flatMap { UserDataKind.notice(of: $0.content, in: $0.path) }
        notices =
            adapted.notices + [ignored, Self.unread(params)].compactMap(\.self)
            + (draft.isFilledIn(KeyName(.net, 0)) ? choices.defaults.notices : [])
    }

    /// cloud-init is installed on a disk.
    private static func unread(_ params: VMParams) -> String? {
        guard params.cloudInit != nil, params.disks.isEmpty, params.kernel == nil else { return nil }
        return "it has a seed for cloud-init, and no disk with a guest that reads it: --image makes one"
    }

    /// A VM that has its disks, and whose params file is known.
    package init(_ text: String, _ params: VMParams) {
        (self.text, self.params, disks, files, notices, fields) = (text, params, [], [], [], [:])
    }

    /// The disks that are made: those of the options, or those that are like the model's.
    private static func disks(
        of params: VMParams, _ vm: NewVM, _ model: ModelVM?, _ adapted: ModelVM.Adapted, _ named: Set<KeyName>
    ) throws(VMError) -> [Disk] {
        var disks: [Disk] = []
        for disk in params.disks {
            var size: ByteCount?
            if let new = vm.disks, new.indices.contains(disk.index) {
                size = new[disk.index]
            } else if adapted.newDisks.contains(disk.index) {
                size = named.contains(KeyName(.diskSize, disk.index)) ? disk.size?.value : nil
                if size == nil { size = try model?.sizes[disk.index]?.get() }
            }
            guard let size else { continue }
            var new = Disk(path: disk.path.value, size: size, format: disk.format?.value ?? .raw)
            new.image = adapted.images[disk.index] ?? (disk.index == 0 ? vm.image : nil)
            if adapted.images[disk.index] != nil, let own = try model?.sizes[disk.index]?.get(), size < own {
                throw VMError(
                    .usage, "\(KeyName(.diskSize, disk.index))",
                    "\(size) is less than the \(own) of the disk it is made of",
                    remedy: "give it that size or a larger one, or leave it out")
            }
            disks.append(new)
        }
        if vm.format != nil, disks.allSatisfy({ $0.image != nil }) {
            throw VMError(
                .usage, "--format", "is that of new disks, and this VM gets none",
                remedy: "say how large one is to be: --disk 8G")
        }
        return disks
    }
}

extension NewParams {
    /// Writes the lines of the options, the defaults, and what `--set` says.
    fileprivate mutating func write(_ lines: [NewVM.Line], for vm: NewVM, including included: [ParamsSource]) {
        let elsewhere = Set(included.flatMap { GivenKeys(in: String(decoding: $0.bytes, as: UTF8.self)).values.keys })
        for line in lines {
            if let option = line.option {
                set(ParamsEdit(line.key, to: line.value), by: option)
            } else {
                fillIn(line.key, line.value, besides: elsewhere)
            }
        }
        for index in (vm.disks ?? []).indices { reserve(KeyName(.diskSize, index), for: "--disk") }
        for word in vm.settings { set(word) }
        for cell in vm.cells { set(cell) }
    }

    /// What it says.
    ///
    /// - Throws: everything that is wrong.
    fileprivate func decoded(including included: [ParamsSource]) throws(VMError) -> VMParams {
        let parsed = VMParams.parse(ParamsSource(file, document.bytes), including: included, from: wordsByLine)
        if let refusal = refusal(of: parsed) { throw refusal }
        guard let params = parsed.params else { throw VMError(.bug, file.string, "has no values and no error") }
        return params
    }
}
