import Glibc
import SystemPackage

/// Which VMs have which files as disks, or stand on them: by file, not by path, for a file can have several.
struct DiskClaims {
    private struct Claim {
        var use: DiskUse
        var owner: FilePath
    }

    private var claims: [FileIdentity: [Claim]] = [:]
    /// VMs whose params files can't be read, so that nobody knows what they use.
    private var unreadable: [FilePath] = []
    /// The params files of VMs that are gone since.
    private var gone: Set<FilePath> = []

    /// As long as a chain that QEMU would open may be.
    private static let longestChain = 200

    /// Nobody's.
    init() {}

    /// Notes those of every VM: of those under the roots, and of those that run.
    ///
    /// - Parameter read: reads a params file.
    init(ofAll paths: Paths, reading read: (FilePath) throws(VMError) -> VMParams) {
        let locator = VMLocator(paths)
        for file in locator.definedFiles() {
            do throws(VMError) { add(try read(file)) } catch { unreadable.append(file) }
        }
        addRunning(paths, locator)
    }

    /// Notes those that a start has to know: the images that VMs' disks stand on, and what running ones have.
    init(onStarts paths: Paths) {
        let locator = VMLocator(paths)
        // Only a disk that is said to be qcow2 stands on another image: most files need not be decoded.
        let others = locator.definedFiles().concurrentMap { other in
            VMFile.glance(at: other, ifItMentions: "qcow2")
        }
        for params in others.compactMap(\.self) { add(params) }
        addRunning(paths, locator)
    }

    /// Another VM than that of one params file whose own can't be read; nil where there is none.
    func unreadable(besides own: FilePath) -> FilePath? {
        unreadable.first { !gone.contains($0) && !isSameFile($0, own) }
    }

    /// A VM is gone, and uses nothing any more.
    mutating func forget(_ file: FilePath) { gone.insert(file) }

    private mutating func addRunning(_ paths: Paths, _ locator: VMLocator) {
        for name in locator.startedNames() where Observation(name, in: paths).state.isAlive {
            guard let manifest = Manifest(reading: RuntimeDirectory(name, in: paths).manifestFile) else { continue }
            add(manifest.media.map { FilePath($0) }, of: name, file: FilePath(manifest.file))
        }
    }

    /// Notes the disks of a VM, and the images that they are differences to.
    private mutating func add(_ params: VMParams) {
        let name = params.name.value
        for disk in params.disks {
            let path = disk.path.value
            guard let image = Self.look(at: path) else { continue }
            note(.disk(of: name, isRunning: false), image.identity, params.file)
            // Said to be raw, it is opened as that, and nothing that its content names.
            if disk.format?.value == .raw { continue }
            addChain(below: path, image.header) {
                .backing(of: name, disk: path)
            } owner: {
                params.file
            }
        }
    }

    /// Notes what a running VM has open, whatever became of its file.
    private mutating func add(_ media: [FilePath], of name: VMName, file: FilePath) {
        for path in media {
            guard let image = Self.look(at: path) else { continue }
            note(.disk(of: name, isRunning: true), image.identity, file)
            addChain(below: path, image.header) {
                .backing(of: name, disk: path)
            } owner: {
                file
            }
        }
    }

    /// Another VM's use of a disk, or of a part of it or the whole that it is a part of; nil where there is none.
    ///
    /// - Parameter own: the params file of the VM whose disk it is.
    func use(of disk: stat, besides own: FilePath) -> DiskUse? {
        let device = BlockDevice(disk)
        let relatives = (device?.partitions ?? []) + [device?.disk].compactMap(\.self)
        let files = [Self.identity(of: disk)] + relatives.map(Self.identity)
        let all = files.flatMap { claims[$0] ?? [] }
        // What a disk stands on is the closer use. The first is enough: a thousand VMs may have one image.
        let isOther = { (claim: Claim) in !gone.contains(claim.owner) && !isSameFile(claim.owner, own) }
        let backing = all.lazy.filter(\.use.isBacking).first(where: isOther)
        return (backing ?? all.first(where: isOther))?.use
    }

    private mutating func addChain(
        below image: FilePath, _ header: QCOW2Header?, use: () -> DiskUse, owner: () -> FilePath
    ) {
        var rest = header.map { Self.files(named: $0, in: image) } ?? []
        var seen: Set<FileIdentity> = []
        while let path = rest.popLast(), seen.count < Self.longestChain {
            guard let found = Self.look(at: path), seen.insert(found.identity).inserted else { continue }
            note(use(), found.identity, owner())
            if let header = found.header { rest += Self.files(named: header, in: path) }
        }
    }

    private mutating func note(_ use: DiskUse, _ file: FileIdentity, _ owner: FilePath) {
        claims[file, default: []].append(Claim(use: use, owner: owner))
    }

    private static func files(named header: QCOW2Header, in image: FilePath) -> [FilePath] {
        [header.backing, header.data].flatMap { part -> [FilePath] in
            if case .named(let name)? = part { ImageReference.files(name, in: image) } else { [] }
        }
    }

    /// What is at a path, and its header where it is a qcow2 image; nil where there is no file or block device.
    private static func look(at path: FilePath) -> (identity: FileIdentity, header: QCOW2Header?)? {
        guard let found = try? status(of: path), found.kind == S_IFREG || found.kind == S_IFBLK else { return nil }
        // A block device holds qcow2 seldom, and is another VM's or the host's to open.
        guard found.kind == S_IFREG, let opened = try? OwnedDescriptor.anyonesRegular(path),
            let bytes = try? readAll(opened.descriptor, limit: ImageContent.headerLength)
        else { return (identity(of: found), nil) }
        return (identity(of: found), QCOW2Header(bytes))
    }

    /// Of a block device it is the device that counts, not which of its names in /dev was used.
    private static func identity(of status: stat) -> FileIdentity {
        BlockDevice(status).map(identity) ?? FileIdentity(status)
    }

    /// No file system has this number.
    private static func identity(of device: BlockDevice) -> FileIdentity {
        FileIdentity(device: UInt64.max, inode: device.number)
    }
}
