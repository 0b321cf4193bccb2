import Glibc
import SystemPackage
import VMCore
import VMHost

/// A disk that is to be looked at.
package struct NamedDisk: Sendable {
    /// The VM whose disk it is; nil: none is known.
    package var vm: VMName?
    /// `DISKn`; nil: not known.
    package var device: String?
    /// Its path.
    package var path: FilePath
    /// The format that the VM's file gives it.
    package var format: DiskFormat?
    /// What it stands on by the VM's file, the nearest first.
    package var backing: [FilePath] = []

    fileprivate init(_ vm: VMName?, _ disk: VMParams.Disk) {
        (self.vm, device, path) = (vm, "DISK\(disk.index)", disk.path.value)
        (format, backing) = (disk.format?.value, disk.backing.map(\.value))
    }

    fileprivate init(_ vm: VMName? = nil, device: String? = nil, at path: FilePath) {
        (self.vm, self.device, self.path) = (vm, device, path)
    }

    /// Looks at it and at what it stands on.
    package func look(closely: Bool = false) -> DiskLook {
        DiskLook(
            vm: vm, device: device, path: path, declared: format,
            chain: DiskLayer.chain(at: path, as: format, over: backing, countingHoles: closely))
    }
}

extension Machine {
    /// Its disks. One that runs has those that it was given, whatever its file says by now.
    ///
    /// - Throws: why its file can't be read.
    package func namedDisks() throws(VMError) -> [NamedDisk] {
        let entry = entry()
        if let obstacle = entry.obstacle { throw obstacle }
        var disks: [NamedDisk] = []
        let given = given(by: entry)
        if given != nil || !file.isEmpty {
            let params = if let given { given } else { try VMFile.glance(at: file) }
            disks = params.disks.map { NamedDisk(name, $0) }
        }
        guard entry.state.isAlive else { return disks }
        // What was attached for as long as it runs.
        let known = Set(disks.map(\.path))
        for medium in media(of: entry, given) where !known.contains(medium.path) {
            guard medium.key?.hasPrefix("CDROM") != true else { continue }
            disks.append(NamedDisk(name, device: medium.key, at: medium.path))
        }
        return disks
    }
}

extension PlanningContext {
    /// The disks that words of the command line name: the path of an image, or a VM and perhaps one of its disks.
    ///
    /// - Throws: `.notFound` if there is none.
    package func disks(_ word: String, _ device: KeyName?) throws(VMError) -> [NamedDisk] {
        if device == nil, try Self.isImage(word) { return [try disk(at: absolutePath(word))] }
        let vm = try site.find(word, in: self)
        try vm.refuseAnothers()
        let disks = try vm.namedDisks()
        guard let device else { return disks }
        let named = disks.filter { $0.device == device.description }
        guard named.isEmpty else { return named }
        throw VMError(
            .notFound, vm.name.description, "there is no \(device)",
            remedy: "\(command: "kvmctl show \(vm.name)") shows what it has")
    }

    /// Whether a word is the path of an image rather than that of a VM's file or directory.
    private static func isImage(_ word: String) throws(VMError) -> Bool {
        guard Site.isPath(word) else { return false }
        let path = absolutePath(word)
        guard path.extension != "params" else { return false }
        do throws(Errno) { return try status(of: path)?.kind != S_IFDIR } catch {
            throw .system(error, path.string, "can't be looked at")
        }
    }

    /// An image by its path: as a VM's file has it, if one is known that has it as a disk. What a guest wrote to a raw disk
    /// says nothing.
    func disk(at path: FilePath) throws(VMError) -> NamedDisk {
        let found: stat?
        do throws(Errno) { found = try status(of: path) } catch {
            throw .system(error, path.string, "can't be looked at")
        }
        guard let found else { throw VMError(.notFound, path.string, "does not exist") }
        for file in allClaims.owners(of: found) {
            guard let params = try? glance(at: file) else { continue }
            let same = params.disks.first { disk in
                do throws(Errno) {
                    return try status(of: disk.path.value).map { FileIdentity($0) == FileIdentity(found) } ?? false
                } catch { return false }
            }
            if let same {
                var disk = NamedDisk(nil, same)
                (disk.device, disk.path) = (nil, path)
                return disk
            }
        }
        return NamedDisk(at: path)
    }

    /// Looks at a disk, and for everybody who uses it.
    package func look(closelyAt disk: NamedDisk) -> DiskLook {
        var look = disk.look(closely: true)
        var users = DiskLook.Users()
        do throws(Errno) {
            guard let found = try status(of: disk.path) else { return look }
            users.vms = allClaims.uses(of: found)
            users.running = allClaims.running(on: found)
            users.obstacle = allClaims.obstacle ?? allClaims.unknownUser(of: disk.path)
            if case .host(let use)? = hostDisks.use(of: found) { users.host = use }
            users.obstacle = users.obstacle ?? hostDisks.obstacle
        } catch { users.obstacle = .system(error, disk.path.string, "can't tell who uses it") }
        look.users = users
        return look
    }
}
