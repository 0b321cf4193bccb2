import BridgeKernel
import BridgeNet
import Glibc
import SystemPackage
import VMCore
import VMHost

/// Creates a new VM: its directory, its disks, its params file.
package struct Creating {
    /// Where it will be.
    package let place: NewVMPlace
    /// The params file's path.
    package var file: FilePath { place.directory.appending("vm.params") }
    /// What it will be.
    package let plan: NewVMPlan
    /// The disks to create.
    package var images: [SparseDisk] {
        plan.disks.map { disk in
            var image = SparseDisk(path: disk.path, size: disk.size, format: disk.format)
            if let base = disk.image, base.isBase {
                image.content = .overlay(of: base.path, base.format, copying: base.overlay)
            } else if let source = disk.image.flatMap({ sources[$0.path] }) {
                image.content = .copy(of: source)
            }
            return image
        }
    }
    /// What disks are copies of, by its path.
    private let sources: [FilePath: ImageSource]
    /// Whether it is made like another VM, whose disks it gets.
    private let hasModel: Bool
    let context: PlanningContext
    private var trust: FileTrust { context.trust }

    /// Plans a VM: chooses its UUID and MACs, and pins the machine type, so that the guest keeps its hardware when QEMU
    /// is upgraded. Touches nothing.
    ///
    /// - Parameters:
    ///   - place: where it is created.
    ///   - image: the file that its image is copied from, if it is to be a copy.
    ///   - model: the VM that it will be like.
    ///   - context: whose directories it may be created in, and the other VMs.
    package init(
        _ vm: NewVM, at place: NewVMPlace, copying image: ImageSource? = nil, like model: ModelOfNewVM?,
        in context: PlanningContext
    ) throws(VMError) {
        self.place = place
        sources = image.map { [$0.path: $0] } ?? model?.sources ?? [:]
        (self.context, hasModel) = (context, model != nil)
        let (file, trust) = (place.directory.appending("vm.params"), context.trust)
        let choices = NewVMPlan.Choices(
            uuid: context.freeUUID(), machine: context.pinned(.q35).description,
            defaults: NewVM.Defaults(isRoot: context.site.isRoots, context.site.settings.create))
        plan = try NewVMPlan(vm, at: file, like: model?.vm, choices) { own throws(VMError) in
            try VMFile.included(by: own, trust, as: place.reached)
        }
        try refuseMisplaced(vm.settings)
    }

    /// Plans a VM that has its disks, and whose params file is known.
    init(_ text: String, _ params: VMParams, at place: NewVMPlace, in context: PlanningContext) {
        (self.place, self.context, sources, hasModel) = (place, context, [:], false)
        plan = NewVMPlan(text, params)
    }

    /// Creates the VM, and returns once it would survive a power cut. On failure nothing of it remains. Files that
    /// existed before are never touched.
    package func create() throws(VMError) {
        try check()
        let new = try prepared(sharing: UntouchedImages())
        do throws(VMError) {
            try new.sync()
            try new.nameFiles()
            try refuseWritten()
            // A running VM is seen anyway, and its next start notes it too.
            try? context.site.noted.note([file])
            try new.nameParams()
        } catch {
            new.remove()
            throw error
        }
    }

    /// Writes the VM's files, which do not have their names yet. On failure nothing of them remains.
    ///
    /// - Parameters:
    ///   - images: what images that hold nothing look like.
    ///   - copying: is told how far a copy is.
    func prepared(
        sharing images: UntouchedImages, by copying: DiskCopying = DiskCopying()
    ) throws(VMError) -> UnfinishedVM {
        let new = UnfinishedVM(self)
        do throws(VMError) {
            try new.makeDirectories { path throws(VMError) in try makeDirectory(path) }
            for image in self.images {
                if let left = try leftBehind(image) { try remove(left, at: image.path) }
                new.disks.append((image, try image.prepare(trust, sharing: images, by: copying)))
            }
            for file in plan.files {
                if let left = try leftBehind(file) { try remove(left, at: file.path) }
                new.texts.append(try prepare(file.path, file.content, permissions: SparseDisk.permissions))
            }
            new.params = try prepare(file, Array(plan.text.utf8), permissions: 0o644)
        } catch {
            new.remove()
            throw error
        }
        return new
    }

    /// Refuses disks that were written to while they and the others were copied.
    func refuseWritten() throws(VMError) {
        for disk in plan.disks { try disk.image.flatMap { sources[$0.path] }?.refuseWritten(trust) }
    }

    private func remove(_ left: FileIdentity, at path: FilePath) throws(VMError) {
        let place = try find(path)
        try writing(path) { () throws(Errno) in try place.remove(left) }
    }

    /// Checks that the VM can be created: nothing is in the way, and the caller may write there. Touches nothing.
    package func check() throws(VMError) {
        // A dangling symbolic link is in the way too.
        for path in [file] + images.map(\.path) + plan.files.map(\.path)
        where RunFileOwnership.ownStatus(of: path) != nil {
            let image = images.first { $0.path == path }
            if let image, try leftBehind(image) != nil { continue }
            if let text = plan.files.first(where: { $0.path == path }), try leftBehind(text) != nil { continue }
            throw VMError(
                .cannotCreate, path.string, "exists already",
                remedy: image.flatMap(howToUse)
                    ?? "name another directory, or move what is there elsewhere")
        }
        let directory = try find(place.newRoot ?? place.directory)
        let isThere = directory.status != nil
        let named = place.newRoot ?? place.directory
        if !isThere, RunFileOwnership.ownStatus(of: named)?.kind == S_IFLNK {
            throw VMError(
                .cannotCreate, named.string, "is a symbolic link that leads nowhere",
                remedy: "make the directory that it leads to, or name another one")
        }
        if isThere, directory.status?.kind != S_IFDIR {
            throw VMError(
                .cannotCreate, (place.newRoot ?? place.directory).string, "is not a directory",
                remedy: "name another directory")
        }
        let image = images.first { $0.needsQEMUImg }
        if let image, Tool.qemuImg.path == nil { throw Tool.qemuImg.missing(for: image.path.string) }
        let target = isThere ? place.directory : (place.newRoot ?? place.directory).removingLastComponent()
        guard let failure = isThere ? directory.writeFailure : directory.directoryFailure else { return }
        throw .system(
            failure, target.string, "can't be written to",
            remedy: "name a directory where you may write, or run kvmctl as a user who may write there")
    }

    /// What is there in the place of a new disk may be the disk of a VM that was removed.
    private func howToUse(_ image: SparseDisk) -> Remedy? {
        // What is a copy, or empty as the model's disks are, is none of what is there.
        guard !hasModel, let disk = plan.params.disks.first(where: { $0.path.value == image.path }) else { return nil }
        let format = image.format == .raw ? "" : " --set \(KeyName(.diskFormat, disk.index))=\(image.format.rawValue)"
        var words = "--set \(KeyName(.disk, disk.index))=\(image.path.lastComponent?.string ?? "")\(format)"
        var option = "--disk"
        if disk.index == plan.params.disks.first?.index, sources[disk.path.value] != nil || !disk.backing.isEmpty {
            option = "--image"
        }
        if !disk.backing.isEmpty, let backing = BackingList.text(disk.backing.map(\.value)) {
            words += " --set \(KeyName(.diskBacking, disk.index))=\(ShellCommand.singleQuoted(backing))"
        }
        return .advice(
            "\(words) instead of \(option) uses it, else name another directory, or remove what is there"
        )
    }

    /// A disk left behind by a create that was interrupted after naming its disks and before naming its params file: it
    /// holds what it would hold now. nil if there is none, or if it may be anything else.
    private func leftBehind(_ disk: SparseDisk) throws(VMError) -> FileIdentity? {
        guard let found = ownFile(at: disk.path), !ImageFacts(probing: disk.path, trust).isLocked,
            try disk.isUntouched(find(disk.path), trust)
        else { return nil }
        let claims = context.allClaims
        let isFree =
            claims.obstacle == nil && claims.gap(besides: file, at: disk.path) == nil
            && claims.use(of: found, at: disk.path, besides: file) == nil
        return isFree ? FileIdentity(found) : nil
    }

    /// The same for another file: it holds what it would hold now, or what a `create` has made up itself.
    private func leftBehind(_ text: NewVMPlan.File) throws(VMError) -> FileIdentity? {
        guard let found = ownFile(at: text.path) else { return nil }
        let place = try find(text.path)
        let content = try writing(text.path) { () throws(Errno) in
            let opened = try place.openRegular()
            return try readAll(opened.descriptor, limit: CloudSeed.fileLimit + 1)
        }
        let isMadeUp = { (bytes: [UInt8]) in bytes.starts(with: NewUserData.beginning.utf8) }
        let isOurs = content == text.content || isMadeUp(content) && isMadeUp(text.content)
        return isOurs ? FileIdentity(found) : nil
    }

    /// A file as `create` makes it, where no VM is.
    private func ownFile(at path: FilePath) -> stat? {
        guard let found = RunFileOwnership.ownStatus(of: path), RunFileOwnership.ownStatus(of: file) == nil,
            found.kind == S_IFREG, found.st_uid == geteuid(), found.st_mode & 0o7777 == SparseDisk.permissions,
            found.st_nlink == 1
        else { return nil }
        return found
    }

    private func find(_ path: FilePath) throws(VMError) -> FoundFile {
        do throws(PathWalk.Failure) { return try trust.find(path) } catch {
            switch error {
            case .system(.noSuchFileOrDirectory, let place):
                throw VMError(
                    .notFound, self.place.directory.string, "the directory \(place) does not exist",
                    remedy: .run("create it", "mkdir -p \(self.place.directory.removingLastComponent())"))
            case .system(.notDirectory, let place):
                throw VMError(.cannotCreate, place.string, "is not a directory", remedy: "name another directory")
            case .system(let errno, _): throw .system(errno, path.string, "can't be accessed")
            case .distrusted(let distrust): throw distrust.refusal(toMake: path)
            }
        }
    }

    /// Creates a directory; nil if it exists already.
    private func makeDirectory(_ path: FilePath?) throws(VMError) -> NewDirectory? {
        guard let path else { return nil }
        let place = try find(path)
        guard place.status == nil else { return nil }
        do throws(Errno) { return try NewDirectory(at: place, permissions: 0o755) } catch {
            throw .system(error, path.string, "can't create the directory")
        }
    }

    private func prepare(_ path: FilePath, _ content: [UInt8], permissions: mode_t) throws(VMError) -> NewFile {
        let place = try find(path)
        do throws(Errno) {
            return try NewFile(at: place, permissions: permissions) { out throws(Errno) in
                try writeAll(content, to: out.descriptor)
            }
        } catch { throw .system(error, path.string, "can't be written") }
    }

}

/// Does something to a file that is being made.
func writing<Value>(_ path: FilePath, _ step: () throws(Errno) -> Value) throws(VMError) -> Value {
    do throws(Errno) { return try step() } catch { throw .system(error, path.string, "can't be written") }
}
