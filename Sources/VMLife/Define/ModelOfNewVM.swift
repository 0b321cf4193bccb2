import BridgeKernel
import SystemPackage
import VMCore
import VMHost

/// A VM that new ones are to be like, and the files that their disks are copied from.
package struct ModelOfNewVM {
    /// What the plan is told of it.
    package let vm: ModelVM
    /// What is copied, by its path.
    let sources: [FilePath: ImageSource]
    /// What the user should know of it.
    package var notices: [String] = []

    /// What becomes of the disks of a VM in those that are made of it.
    enum Making {
        /// Overlays of a template's, else empty ones.
        case likeness
        /// Copies of a template's.
        case copies
        /// Copies of any VM's. `isHeld`: whether nobody is to write to them as long as the model lives.
        case clone(isHeld: Bool)
        /// Overlays, which only a template's disks may have.
        case linkedClone

        var isClone: Bool {
            switch self {
            case .likeness, .copies: false
            case .clone, .linkedClone: true
            }
        }
    }
}

extension PlanningContext {
    /// A VM as a model for others.
    ///
    /// - Parameters:
    ///   - word: a name, or the path of a params file.
    ///   - copying: whether the disks of a template are copied, instead of being what others stand on.
    /// - Throws: why it can't be one.
    package func model(_ word: String, copying: Bool = false) throws(VMError) -> ModelOfNewVM {
        try model(of: try machine(forModel: word), copying ? .copies : .likeness)
    }

    /// The VM that a word names, as one that others are made of.
    func machine(forModel word: String) throws(VMError) -> Machine {
        let vm = try site.find(word, in: self)
        guard !vm.file.isEmpty else { throw .withoutRuntimeFiles(vm.name, "its params file is not known") }
        try vm.refuseEphemeral()
        return vm
    }

    /// The same of a VM that is known.
    func model(of vm: Machine, _ making: ModelOfNewVM.Making) throws(VMError) -> ModelOfNewVM {
        let text: String
        do throws(VMError) { text = try VMFile.text(of: vm.file, trust) } catch {
            guard error.code == .denied else { throw error }
            var error = error
            error.remedy = "read the file, and copy it to where root owns everything on the way"
            throw error
        }
        let file = try VMFile(text, of: vm.file, trust)
        try refuse(making, of: vm, file.params)
        let sizes = file.params.disks.map { disk in
            (disk.index, Result { () throws(VMError) in try size(of: disk, file) })
        }
        var model = ModelVM(
            vm.file, text, file.params, sizes: Dictionary(sizes, uniquingKeysWith: { first, _ in first }))
        var sources: [FilePath: ImageSource] = [:]
        model.isCloned = making.isClone
        let host = HostDisks()
        for disk in file.params.disks {
            model.images[disk.index] =
                Result { () throws(VMError) in
                    switch making {
                    case .copies: try copy(of: disk, file, isHeld: false, &sources)
                    case .clone(let isHeld): try clone(of: disk, file, isHeld: isHeld, host, &sources)
                    case .likeness where !file.params.template.value: try base(of: disk, file)
                    case .likeness, .linkedClone: try overlay(of: disk, file)
                    }
                }.optional
        }
        for (key, _) in ModelVM.ownFiles {
            guard let path = file.params.path(of: key), model.isOwn(path) else { continue }
            model.files[key] = Result { () throws(VMError) in try content(of: path, file) }
        }
        return ModelOfNewVM(vm: model, sources: sources)
    }

    private func refuseRunning(_ vm: Machine) throws(VMError) {
        guard try vm.observe().isAlive, try vm.runsFromFile else { return }
        throw VMError(
            .busy, vm.name.description, "is a template by its file, and runs: its disks may change",
            remedy: "stop it first")
    }

    /// Refuses a VM that can't be made into that.
    private func refuse(_ making: ModelOfNewVM.Making, of vm: Machine, _ params: VMParams) throws(VMError) {
        switch making {
        case .likeness where params.template.value, .copies where params.template.value: try refuseRunning(vm)
        case .copies:
            throw VMError(
                .usage, "--copy",
                "copies the disks of a template, and \(vm.name) is none: what it writes could change meanwhile",
                remedy: "say in its file that it is one, with TEMPLATE=yes, or leave --copy out")
        case .linkedClone:
            guard !params.template.value, let disk = params.disks.first(where: { !$0.readOnly.value }) else { return }
            throw VMError(
                .busy, vm.name.description,
                "is no template: what it goes on writing to DISK\(disk.index) would destroy overlays of it",
                remedy: .run(
                    "make it one, which is not started any more, or leave --linked out to have copies",
                    "kvmctl set \(vm.name) TEMPLATE=yes"))
        case .likeness, .clone: break
        }
    }

    /// The overlay that a disk of a VM that is like a template is; nil: nothing, as the template's is not there yet.
    private func overlay(of disk: VMParams.Disk, _ file: VMFile) throws(VMError) -> NewVM.Image? {
        guard !disk.readOnly.value else { return nil }
        guard try isAtRest(disk, file, mayBeAmbiguous: false) else {
            try refuseLost(disk, of: file)
            return nil
        }
        return image(of: disk, isBase: true)
    }

    /// The copy that it is; nil: nothing, as there is nothing to copy yet.
    func copy(
        of disk: VMParams.Disk, _ file: VMFile, isHeld: Bool, _ sources: inout [FilePath: ImageSource]
    ) throws(VMError) -> NewVM.Image? {
        let path = disk.path.value
        guard !disk.readOnly.value else { return nil }
        guard try isAtRest(disk, file, mayBeAmbiguous: disk.format != nil) else {
            try refuseLost(disk, of: file)
            return nil
        }
        sources[path] = try ImageSource(
            disk: path, disk.format?.value ?? .raw, file.trust, overlay: !disk.backing.isEmpty, isHeld: isHeld)
        return image(of: disk, isBase: false)
    }

    private func image(of disk: VMParams.Disk, isBase: Bool) -> NewVM.Image {
        NewVM.Image(
            path: disk.path.value, format: disk.format?.value ?? .raw, isBase: isBase, below: disk.backing.map(\.value))
    }

    /// Refuses a disk that is not there although no start would create it: a new VM would get an empty one unasked.
    func refuseLost(_ disk: VMParams.Disk, of file: VMFile) throws(VMError) {
        guard disk.size == nil || disk.format?.value == .qcow2 else { return }
        let key = KeyName(.disk, disk.index)
        throw VMError(
            .notFound, disk.path.value.string, "does not exist, and it is \(key) of \(file.params.name.value)",
            remedy: "restore it; or give the new VM another one: --set \(key)=FILE; --set \(key)= leaves it out")
    }

    /// Whether it is there.
    ///
    /// - Parameter mayBeAmbiguous: whether a raw disk may begin as an image of another format does.
    /// - Throws: `.busy` if somebody writes to it.
    private func isAtRest(_ disk: VMParams.Disk, _ file: VMFile, mayBeAmbiguous: Bool) throws(VMError) -> Bool {
        let path = disk.path.value
        guard let facts = try image(at: path, file) else { return false }
        try refuseLostBase(of: disk, file)
        if facts.content != .raw, disk.format?.value ?? .raw == .raw, !mayBeAmbiguous {
            throw VMError(
                .badData, path.string,
                "is a raw disk that begins as a \(facts.content.name) image does, which its guest may have written",
                remedy:
                    "what stands on it would be read as that: make a qcow2 image of it first (qemu-img convert -f raw)")
        }
        guard !facts.locks.contains(where: { $0.excludes(writable: false) }) else { throw .isUsed(path) }
        return true
    }

    /// Refuses an overlay of what is not there: a copy of it could not be read either.
    private func refuseLostBase(of disk: VMParams.Disk, _ file: VMFile) throws(VMError) {
        for layer in disk.backing {
            do throws(Errno) { guard try !isThere(layer.value) else { continue } } catch {
                throw .system(error, layer.value.string, "can't tell whether it is there")
            }
            throw VMError(
                .notFound, layer.value.string,
                "does not exist, and DISK\(disk.index) of \(file.params.name.value) is an overlay of it",
                remedy: "restore it from a backup, or mount what should hold it")
        }
    }

    /// What a disk stands on, which a new one can stand on as well; nil: nothing.
    private func base(of disk: VMParams.Disk, _ file: VMFile) throws(VMError) -> NewVM.Image? {
        guard let base = disk.backing.first?.value, !disk.readOnly.value else { return nil }
        guard let facts = try image(at: base, file) else {
            throw VMError(
                .notFound, base.string,
                "does not exist, and DISK\(disk.index) of \(file.params.name.value) is an overlay of it",
                remedy: "put it there; or give the new disk a file of its own: --set DISK\(disk.index)=FILE")
        }
        let isRaw = facts.content == .raw
        return NewVM.Image(
            path: base, format: isRaw ? .raw : .qcow2, isBase: true, below: disk.backing.dropFirst().map(\.value))
    }

    /// What is at a path; nil if nothing is.
    func image(at path: FilePath, _ file: VMFile) throws(VMError) -> ImageFacts.Image? {
        switch ImageFacts(probing: path, file.trust) {
        case .image(let image): return image
        case .missing, .directoryMissing: return nil
        case .failed(let errno, let remedy):
            throw VMError(failed: errno, path.string, "can't be read", remedy: remedy)
        case .distrusted(let distrust): throw distrust.refusal(toUse: path, at: file.params.file.string)
        case .denied:
            throw VMError(.denied, path.string, "can't be read", remedy: "run kvmctl as a user who may read it")
        case .unusable(let what): throw VMError(.badData, path.string, "\(what)")
        }
    }

    /// A file of the model's, which may hold a password.
    private func content(of path: FilePath, _ file: VMFile) throws(VMError) -> [UInt8] {
        let content: [UInt8]
        do throws(PathWalk.Failure) { content = try file.trust.content(of: path, limit: CloudSeed.fileLimit + 1) } catch
        {
            switch error {
            case .system(let errno, _):
                throw .system(errno, path.string, "can't be read, and the new VM gets a copy of it")
            case .distrusted(let distrust): throw distrust.refusal(toUse: path, at: file.params.file.string)
            }
        }
        guard content.count <= CloudSeed.fileLimit else {
            throw VMError(
                .badData, path.string, "is larger than \(ByteCount(bytes: Int64(CloudSeed.fileLimit)))")
        }
        return content
    }

    /// What the guest sees.
    private func size(of disk: VMParams.Disk, _ file: VMFile) throws(VMError) -> ByteCount {
        let path = disk.path.value
        let facts = ImageFacts(probing: path, file.trust)
        if case .image(let image) = facts {
            guard disk.format?.value == .qcow2 else { return ByteCount(bytes: (image.bytes + 511) / 512 * 512) }
            if let header = image.qcow2 { return ByteCount(bytes: Int64(clamping: header.diskBytes)) }
        }
        if case .missing = facts {
            if let size = disk.size?.value { return size }
            throw VMError(
                .unavailable, "\(file.params.file): DISK\(disk.index)",
                "\(path) does not exist, so its size can't be told"
            )
        }
        throw VMError(
            .unavailable, "\(file.params.file): DISK\(disk.index)", "the size of \(path) can't be told")
    }
}

extension Result where Success == NewVM.Image?, Failure == VMError {
    /// Nil if it is a success without a value.
    fileprivate var optional: Result<NewVM.Image, VMError>? {
        switch self {
        case .success(let image): image.map { .success($0) }
        case .failure(let error): .failure(error)
        }
    }
}

extension VMParams {
    /// The file that such a key names.
    fileprivate func path(of key: KeyName) -> FilePath? {
        switch key.key {
        case .cloudInitUserData: cloudInit?.userData?.value
        case .cloudInitNetwork: cloudInit?.networkConfig?.value
        case .vncPasswordFile: vnc.passwordFile?.value
        default: nil
        }
    }
}
