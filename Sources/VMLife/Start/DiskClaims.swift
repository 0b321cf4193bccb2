import BridgeKernel
import Glibc
import SystemPackage
import VMCore
import VMHost

/// Which VMs have which files as disks, or stand on them: by file, not by path, for a file can have several.
struct DiskClaims {
    private struct Claim {
        var use: DiskUse
        var owner: FilePath
        /// The account on whose mere word it is, where the caller does not act on the file that says so; else nil.
        var account: UInt32?
    }

    private var claims: [FileIdentity: [Claim]] = [:]
    /// Files that can't be read, so that nobody knows what the VMs use that they are, or that have them as disks.
    private var unreadable: [(file: FilePath, owner: FilePath, account: UInt32?)] = []
    /// Places where there may be more VMs, and why they can't be looked at.
    private var unseen: [VMError] = []
    /// Why it can't be seen of a VM whether it runs, and with what.
    private(set) var obstacle: VMError?
    /// The params files of VMs that are gone since.
    private var gone: Set<FilePath> = []

    /// On whose word the VM is that is just being noted.
    private var account: UInt32?

    /// As long as a chain that QEMU would open may be.
    private static let longestChain = 200

    /// Nobody's.
    init() {}

    /// Notes those of every VM: of those under the roots, and of those that run.
    ///
    /// - Parameters:
    ///   - trust: whose files are acted on.
    ///   - read: reads a params file.
    init(ofAll paths: Paths, _ trust: FileTrust, reading read: (FilePath) throws(VMError) -> VMParams) {
        let locator = VMLocator(paths)
        let defined = locator.definitions()
        unseen = defined.unseen
        for file in defined.files {
            account = trust.stranger(at: file)
            do throws(VMError) { add(try read(file)) } catch { unreadable.append((file, file, account)) }
        }
        account = nil
        addRunning(paths, locator)
    }

    /// Notes those that a start has to know: the images that VMs' disks stand on, and what running ones have. What only
    /// another account says keeps nobody from starting a VM.
    init(onStarts paths: Paths, _ trust: FileTrust) {
        let locator = VMLocator(paths)
        // Only a disk that is said to be qcow2 stands on another image: most files need not be decoded.
        let others = locator.definitions().files.concurrentMap { other in
            VMFile.glance(at: other, ifItMentions: "qcow2")
        }
        for params in others.compactMap(\.self) where trust.stranger(at: params.file) == nil { add(params) }
        addRunning(paths, locator)
    }

    /// Why it is not known what some other VM uses than that of one params file; nil where it is of all that may use the disk.
    func gap(besides own: FilePath, at disk: FilePath) -> String? {
        let other = unreadable.first {
            !gone.contains($0.owner) && Self.counts($0.account, disk) && !Self.isKnown($0.owner, as: own)
        }
        return other.map { "\($0.file) can't be read" } ?? unseen.first?.summary
    }

    /// A VM is gone, and uses nothing any more.
    mutating func forget(_ file: FilePath) { gone.insert(file) }

    private mutating func addRunning(_ paths: Paths, _ locator: VMLocator) {
        do throws(VMError) {
            for name in try locator.startedNames() where try Observation(name, in: paths).isAlive {
                guard let manifest = try Manifest.read(RuntimeDirectory(name, in: paths)) else { continue }
                add(manifest.media, of: name, file: manifest.file)
            }
        } catch { obstacle = error }
    }

    /// An account can say of its VM what it likes: it counts for disks that it could read.
    private static func counts(_ account: UInt32?, _ disk: FilePath) -> Bool {
        account.map { FileTrust(ofAccount: $0).canRead(disk) } ?? true
    }

    /// What can't be looked at is taken for another file: its claims then count.
    private static func isKnown(_ file: FilePath, as own: FilePath) -> Bool { (try? isSameFile(file, own)) == true }

    /// Notes the disks of a VM, and the images that they are differences to.
    private mutating func add(_ params: VMParams) {
        let name = params.name.value
        for disk in params.disks {
            let path = disk.path.value
            guard let image = look(at: path, of: params.file) else { continue }
            note(.disk(of: name, isRunning: false), image, params.file)
            // Said to be raw, it is opened as that, and nothing that its content names.
            if disk.format?.value == .raw { continue }
            addChain(below: path) {
                .backing(of: name, disk: path)
            } owner: {
                params.file
            }
        }
    }

    /// Notes what a running VM has open, whatever became of its file.
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

    /// Another VM's use of a disk, or of a part of it or the whole that it is a part of; nil where there is none.
    ///
    /// - Parameters:
    ///   - path: where it is.
    ///   - own: the params file of the VM whose disk it is.
    ///   - behind: the files and devices that it is made of, as a loop device is.
    func use(of disk: stat, at path: FilePath, besides own: FilePath, behind: [FileIdentity] = []) -> DiskUse? {
        let device = BlockDevice(disk)
        let relatives = (device?.partitions ?? []) + [device?.disk].compactMap(\.self)
        let files = [Self.identity(of: disk)] + relatives.map(Self.identity) + behind
        let all = files.flatMap { claims[$0] ?? [] }
        // What a disk stands on is the closer use. The first is enough: a thousand VMs may have one image.
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

    private mutating func addChain(below image: FilePath, use: () -> DiskUse, owner: () -> FilePath) {
        var rest = files(namedIn: image, of: owner)
        var seen: Set<FileIdentity> = []
        while let path = rest.popLast(), seen.count < Self.longestChain {
            guard let found = look(at: path, of: owner()), seen.insert(found).inserted else { continue }
            note(use(), found, owner())
            rest += files(namedIn: path, of: owner)
        }
    }

    private mutating func note(_ use: DiskUse, _ file: FileIdentity, _ owner: FilePath) {
        claims[file, default: []].append(Claim(use: use, owner: owner, account: account))
    }

    /// The files that an image names: one that it stands on, one that holds its data.
    private mutating func files(namedIn image: FilePath, of owner: () -> FilePath) -> [FilePath] {
        let header: QCOW2Header?
        do throws(Errno) {
            // A block device holds qcow2 seldom, and is another VM's or the host's to open.
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

    /// What is at a path; nil where there is no file or block device.
    private mutating func look(at path: FilePath, of owner: FilePath) -> FileIdentity? {
        do throws(Errno) {
            guard let found = try status(of: path), found.kind == S_IFREG || found.kind == S_IFBLK else { return nil }
            return Self.identity(of: found)
        } catch {
            unreadable.append((path, owner, account))
            return nil
        }
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
