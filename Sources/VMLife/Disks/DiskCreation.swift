import Glibc
import SystemPackage
import VMCore
import VMHost

/// A new image, which is no VM's disk yet.
package struct DiskCreation {
    /// What is created.
    package let disk: SparseDisk
    /// What it stands on, the nearest first, as DISKn_BACKING lists it; empty: nothing.
    package let backing: [FilePath]
    /// What the user should know.
    package let notices: [String]
    private let trust: FileTrust

    /// What is wanted.
    package struct Wish {
        package var path: FilePath
        /// nil: that of what it stands on.
        package var size: ByteCount?
        /// nil: raw, or qcow2 if it stands on something.
        package var format: DiskFormat?
        /// What it stands on, the nearest first; empty: nothing.
        package var backing: [FilePath]
        /// Whether it takes all its space at once.
        package var isPreallocated: Bool

        package init(
            path: FilePath, size: ByteCount?, format: DiskFormat?, backing: [FilePath], isPreallocated: Bool
        ) {
            (self.path, self.size, self.format) = (path, size, format)
            (self.backing, self.isPreallocated) = (backing, isPreallocated)
        }
    }

    /// Plans it. Touches nothing.
    ///
    /// - Throws: `.cannotCreate` if something is there, or there is no room for what is preallocated; why it can't stand on
    ///   the other image; as `SparseDisk.prepare` otherwise.
    package init(_ wish: Wish, in context: PlanningContext) throws(VMError) {
        trust = context.trust
        var base: BaseOfDisk?
        for path in wish.backing.reversed() { base = try BaseOfDisk(path, over: base, in: context) }
        guard let size = wish.size ?? base?.size else {
            throw VMError(.usage, wish.path.string, "has no size", remedy: "say how large it is to be: --size 20G")
        }
        if let base, size < base.size {
            throw SparseDisk.tooSmall(size, for: base.path, base.size, option: "--size")
        }
        var disk = SparseDisk(path: wish.path, size: size, format: base == nil ? wish.format ?? .raw : .qcow2)
        if let base { disk.content = .overlay(of: base.path, base.format) }
        disk.isPreallocated = wish.isPreallocated
        try disk.refuse(trust)
        self.disk = disk
        backing = base.map { [$0.path] + $0.below } ?? []
        notices = (base?.notices ?? []) + SpaceCheck.warnings([disk], besides: context.growth)
    }

    /// Creates it. On failure nothing of it remains.
    package func run() throws(VMError) { try disk.create(trust) }
}

/// An image that a new one is to stand on.
private struct BaseOfDisk {
    let path: FilePath
    let format: DiskFormat
    let size: ByteCount
    /// What it stands on itself.
    let below: [FilePath]
    let notices: [String]

    /// - Parameter lower: what the user says that it stands on; nil: what a VM's file says, if anything does.
    init(_ path: FilePath, over lower: BaseOfDisk?, in context: PlanningContext) throws(VMError) {
        let known = try context.disk(at: path)
        let below = lower.map { [$0.path] + $0.below } ?? known.backing
        if below.isEmpty, let named = known.look().chain.dropFirst().first {
            throw VMError(
                .usage, path.string, "stands on \(named.name), as its header says",
                remedy: "if that is right, name it too, with a second --backing")
        }
        let source = try ImageSource(path, context.trust, overlay: !below.isEmpty)
        guard let size = source.size, source.packing == nil else {
            throw VMError(
                .badData, path.string, "is packed, and no disk can stand on it",
                remedy: .run("unpack it under a name", "kvmctl image import \(path)"))
        }
        if let declared = known.format, declared != source.format {
            throw VMError(
                .badData, path.string,
                "looks like \(source.format.rawValue), but a VM has it as a \(declared.rawValue) disk",
                remedy: "correct that VM's file first, if it is wrong")
        }
        (self.path, self.size, format, self.below) = (path, size, source.format, below)
        let users = context.look(closelyAt: known).users ?? DiskLook.Users()
        if let obstacle = users.obstacle { throw obstacle }
        if let use = users.vms.first(where: \.isOfRunning) {
            throw VMError(.busy, path.string, use.words, remedy: use.remedy)
        }
        notices =
            users.vms.compactMap { use in
                guard case .disk(let name, _) = use else { return nil }
                return
                    "\(path) is a disk of the VM \(name), which must not write to it from now on: what stands on it would be "
                    + "damaged"
            } + (lower?.notices ?? [])
    }
}
