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
}

extension PlanningContext {
    /// A VM as a model for others.
    ///
    /// - Parameters:
    ///   - word: a name, or the path of a params file.
    ///   - copying: whether the disks of a template are copied, instead of being what others stand on.
    /// - Throws: why it can't be one.
    package func model(_ word: String, copying: Bool = false) throws(VMError) -> ModelOfNewVM {
        let vm = try site.find(word, in: self)
        guard !vm.file.isEmpty else { throw .withoutRuntimeFiles(vm.name, "its params file is not known") }
        try vm.refuseEphemeral()
        let text: String
        do throws(VMError) { text = try VMFile.text(of: vm.file, trust) } catch {
            guard error.code == .denied else { throw error }
            var error = error
            error.remedy = "read the file, and copy it to where root owns everything on the way"
            throw error
        }
        let file = try VMFile(text, of: vm.file, trust)
        let isTemplate = file.params.template.value
        if isTemplate {
            try refuseRunning(vm)
        } else if copying {
            throw VMError(
                .usage, "--copy",
                "copies the disks of a template, and \(vm.name) is none: what it writes could change meanwhile",
                remedy: "say in its file that it is one, with TEMPLATE=yes, or leave --copy out")
        }
        let sizes = file.params.disks.map { disk in
            (disk.index, Result { () throws(VMError) in try size(of: disk, file) })
        }
        var model = ModelVM(
            vm.file, text, file.params, sizes: Dictionary(sizes, uniquingKeysWith: { first, _ in first }))
        var sources: [FilePath: ImageSource] = [:]
        for disk in file.params.disks {
            model.images[disk.index] =
                Result { () throws(VMError) in
                    isTemplate
                        ? try template(disk, file, copying: copying, &sources) : try base(of: disk, file)
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

    /// What a disk that is like a template's is made of; nil: nothing, as it is not there yet.
    private func template(
        _ disk: VMParams.Disk, _ file: VMFile, copying: Bool, _ sources: inout [FilePath: ImageSource]
    ) throws(VMError) -> NewVM.Image? {
        let (path, below) = (disk.path.value, disk.backing.map(\.value))
        guard !disk.readOnly.value, let facts = try image(at: path, file) else { return nil }
        let format = disk.format?.value ?? .raw
        if facts.content != .raw, format == .raw {
            throw VMError(
                .badData, path.string,
                "is a raw disk that begins as a \(facts.content.name) image does, which its guest may have written",
                remedy:
                    "what stands on it would be read as that: make a qcow2 image of it first (qemu-img convert -f raw)")
        }
        guard !facts.locks.contains(where: { $0.excludes(writable: false) }) else {
            throw VMError(
                .busy, path.string, "is in use by another process", remedy: "\(command: "lslocks") names the process")
        }
        if copying { sources[path] = try ImageSource(path, file.trust, overlay: !below.isEmpty) }
        return NewVM.Image(path: path, format: format, isBase: !copying, below: below)
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
    private func image(at path: FilePath, _ file: VMFile) throws(VMError) -> ImageFacts.Image? {
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
        if case .missing = facts, let size = disk.size?.value { return size }
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
