import BridgeKernel
import Glibc
import SystemPackage
import VMCore
import VMHost

/// Which VMs use which files as disks or backing files, by the file's identity: a file can have several paths.
struct DiskClaims {
    /// A use of a file by a VM.
    struct Claim {
        var use: DiskUse
        var owner: FilePath
        /// The account that owns the params file, if the caller does not trust it; else nil.
        var account: UInt32?
        /// Whether it runs, and has the file open.
        var isOpen: Bool
    }

    private var claims: [FileIdentity: [Claim]] = [:]
    /// The same of files that are not there and that VMs stand on, by the path.
    private var lost: [FilePath: [Claim]] = [:]
    /// Params files and images that can't be read, so that it is not known what their VMs use.
    private var unreadable: [(file: FilePath, owner: FilePath, account: UInt32?)] = []
    /// Why some places, where there may be more VMs, can't be read.
    private var unseen: [VMError] = []
    /// Why it can't be told of a VM whether it runs, and with which disks.
    private(set) var obstacle: VMError?
    /// The params files that were looked at.
    private var owners: Set<FilePath> = []
    /// The params files of VMs that have been removed since.
    private var gone: Set<FilePath> = []

    /// The account of the VM that is being added, if the caller does not trust it.
    private var account: UInt32?
    /// Whether it runs.
    private var isOpen = false

    /// No claims.
    init() {}

    /// The claims of every VM that is known of, and of the running ones.
    ///
    /// - Parameters:
    ///   - trust: whose files are acted on.
    ///   - read: reads a params file.
    init(ofAll site: Site, _ trust: FileTrust, reading read: (FilePath) throws(VMError) -> VMParams) {
        let defined = site.everyDefinition()
        unseen = defined.unseen
        for file in defined.files {
            account = trust.stranger(at: file)
            owners.insert(file)
            do throws(VMError) { add(try read(file)) } catch { unreadable.append((file, file, account)) }
        }
        account = nil
        addRunning(site)
    }

    /// The claims that matter to a start: the backing files of VMs' disks, and what running VMs have open. A params
    /// file that the caller does not trust keeps no VM from starting.
    init(onStarts site: Site, _ trust: FileTrust) {
        // Only a disk declared as qcow2 can have a backing file: most params files need not be decoded.
        let others = site.everyDefinition().files.concurrentMap { other in
            VMFile.glance(at: other, ifItMentions: "qcow2")
        }
        for params in others.compactMap(\.self) where trust.stranger(at: params.file) == nil { add(params) }
        addRunning(site)
    }

    /// Why it is not known what some VM other than `own` uses; nil if it is known of all VMs that may use the disk.
    func gap(besides own: FilePath, at disk: FilePath) -> String? {
        unreadableFile(besides: own, at: disk).map { "\($0) can't be read" } ?? unseen.first?.summary
    }

    private func unreadableFile(besides own: FilePath, at disk: FilePath) -> FilePath? {
        unreadable.first {
            !gone.contains($0.owner) && Self.counts($0.account, disk) && !Self.isKnown($0.owner, as: own)
        }?.file
    }

    /// Whether that is since the file system of a noted VM is not mounted.
    func isUnmounted(besides own: FilePath, at disk: FilePath) -> Bool {
        unreadableFile(besides: own, at: disk) == nil && unseen.first?.code == .unavailable
    }

    /// Drops the claims of a VM that was removed.
    mutating func forget(_ file: FilePath) {
        gone.insert(file)
        // It may be known by another path too. The file itself is gone; where it was is not yet.
        guard !owners.contains(file), let directory = RunFileOwnership.realPath(file.removingLastComponent())
        else { return }
        for owner in owners where owner.lastComponent == file.lastComponent && !gone.contains(owner) {
            if RunFileOwnership.realPath(owner.removingLastComponent()) == directory { gone.insert(owner) }
        }
    }

    private mutating func addRunning(_ site: Site) {
        isOpen = true
        defer { isOpen = false }
        do throws(VMError) {
            for (vm, manifest) in try site.started() {
                add(manifest.vm.media, of: vm.name, file: vm.file)
            }
        } catch { obstacle = error }
    }

    /// An account can name any path in its params file: that counts only for disks that the account can read.
    private static func counts(_ account: UInt32?, _ disk: FilePath) -> Bool {
        account.map { FileTrust(ofAccount: $0).canRead(disk) } ?? true
    }

    /// A file that can't be accessed is taken for another one, so that its claims count.
    private static func isKnown(_ file: FilePath, as own: FilePath) -> Bool { (try? isSameFile(file, own)) == true }

    /// Adds the disks of a VM, and their backing files.
    private mutating func add(_ params: VMParams) {
        let name = params.name.value
        for disk in params.disks {
            let path = disk.path.value
            guard let image = look(at: path, of: params.file) else { continue }
            note(.disk(of: name, isRunning: false), image, params.file)
            // A disk declared as raw is opened as raw, so that nothing its content names is opened.
            if disk.format?.value == .raw { continue }
            for layer in disk.backing {
                guard let below = look(at: layer.value, of: params.file) else {
                    noteLost(layer.value, .backing(of: name, disk: path), params.file)
                    continue
                }
                note(.backing(of: name, disk: path), below, params.file)
            }
            addChain(below: path) {
                .backing(of: name, disk: path)
            } owner: {
                params.file
            }
        }
    }

    /// Adds what a running VM has open, even if its params file is gone.
    private mutating func add(_ media: [FilePath], of name: VMName, file: FilePath) {
        for path in media {
            guard let image = look(at: path, of: file) else { continue }
            note(.disk(of: name, isRunning: true), image, file)
            addChain(below: path) {
                .backing(of: name, disk: path)
            } owner: {
                file
            }
        }
    }

    /// Another VM's use of a disk, of one of its partitions, or of the disk that it is a partition of; nil if there is
    /// none.
    ///
    /// - Parameters:
    ///   - path: the disk's path.
    ///   - own: the params file of the VM whose disk it is.
    ///   - behind: the files and devices underneath it, such as a loop device's file.
    func use(of disk: stat, at path: FilePath, besides own: FilePath, behind: [FileIdentity] = []) -> DiskUse? {
        let device = BlockDevice(disk)
        let relatives = (device?.partitions ?? []) + [device?.disk].compactMap(\.self)
        let files = [Self.identity(of: disk)] + relatives.map(Self.identity) + behind
        let all = files.flatMap { claims[$0] ?? [] }
        // A use as a backing file comes first. One claim is enough: a thousand VMs may share an image.
        let isOther = { (claim: Claim) in
            !gone.contains(claim.owner) && Self.counts(claim.account, path) && !Self.isKnown(claim.owner, as: own)
        }
        for file in behind {
            let running = (claims[file] ?? []).first { isOther($0) && $0.use.isOfRunning }
            if case .disk(let name, _)? = running?.use { return .device(of: name) }
        }
        let backing = all.lazy.filter(\.use.isBacking).first(where: isOther)
        return (backing ?? all.first(where: isOther))?.use
    }

    /// What a file is claimed for.
    ///
    /// - Parameters:
    ///   - own: the params file of a VM that does not count.
    ///   - behind: the files underneath it.
    func current(on file: stat, besides own: FilePath?, behind: [FileIdentity] = []) -> [Claim] {
        ([Self.identity(of: file)] + behind).flatMap { claims[$0] ?? [] }.filter { claim in
            !gone.contains(claim.owner) && own.map { Self.isKnown(claim.owner, as: $0) } != true
        }
    }

    private mutating func addChain(below image: FilePath, use: () -> DiskUse, owner: () -> FilePath) {
        var rest = files(namedIn: image, of: owner)
        var seen: Set<FileIdentity> = []
        while let path = rest.popLast(), seen.count < DiskLayer.longestChain {
            guard let found = look(at: path, of: owner()) else {
                noteLost(path, use(), owner())
                continue
            }
            guard seen.insert(found).inserted else { continue }
            note(use(), found, owner())
            rest += files(namedIn: path, of: owner)
        }
    }

    /// The VMs that stand on a file that is not there.
    ///
    /// - Parameter own: the params file of a VM that does not count.
    func standing(onLost path: FilePath, besides own: FilePath) -> StandingVMs? {
        let others = (lost[path.lexicallyNormalized()] ?? []).filter { claim in
            claim.account == nil && !gone.contains(claim.owner) && !Self.isKnown(claim.owner, as: own)
        }
        return StandingVMs(Set(others.compactMap(\.use.vm)).sorted { $0.description < $1.description })
    }

    private mutating func noteLost(_ path: FilePath, _ use: DiskUse, _ owner: FilePath) {
        lost[path.lexicallyNormalized(), default: []].append(
            Claim(use: use, owner: owner, account: account, isOpen: isOpen))
    }

    private mutating func note(_ use: DiskUse, _ file: FileIdentity, _ owner: FilePath) {
        claims[file, default: []].append(Claim(use: use, owner: owner, account: account, isOpen: isOpen))
    }

    /// The files that an image's header names: its backing file and its data file.
    private mutating func files(namedIn image: FilePath, of owner: () -> FilePath) -> [FilePath] {
        let header: QCOW2Header?
        do throws(Errno) {
            // A block device seldom holds qcow2, and it may belong to another VM or to the host.
            guard try status(of: image)?.kind == S_IFREG else { return [] }
            try RemoteMounts.refuseSilent(at: image)
            let opened = try OwnedDescriptor.anyonesRegular(image)
            header = QCOW2Header(try readAll(opened.descriptor, limit: ImageContent.headerLength))
        } catch {
            unreadable.append((image, owner(), account))
            return []
        }
        guard let header else { return [] }
        return [header.backing, header.data].flatMap { part -> [FilePath] in
            if case .named(let name)? = part { ImageReference.files(name, in: image) } else { [] }
        }
    }

    /// The identity of the file or block device at a path; nil if there is none.
    private mutating func look(at path: FilePath, of owner: FilePath) -> FileIdentity? {
        do throws(Errno) {
            guard let found = try status(of: path), found.kind == S_IFREG || found.kind == S_IFBLK else { return nil }
            return Self.identity(of: found)
        } catch {
            unreadable.append((path, owner, account))
            return nil
        }
    }

    /// A block device is identified by its number, not by the name in /dev that was used.
    private static func identity(of status: stat) -> FileIdentity {
        BlockDevice(status).map(identity) ?? FileIdentity(status)
    }

    /// With a device number that no file system has.
    private static func identity(of device: BlockDevice) -> FileIdentity {
        FileIdentity(device: UInt64.max, inode: device.number)
    }
}
