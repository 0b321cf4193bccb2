import BridgeNet
import CLinux
import Glibc
import SystemPackage

/// Gathers the facts that a launch plan needs. Reads only.
struct HostProbe {
    let cache: ProbeCache
    /// Plan as root would, whoever asks: for a dry run of a VM that only root can start.
    var assumesRoot = false

    func facts(for params: VMParams, options: StartOptions) throws(VMError) -> HostFacts {
        let isRoot = geteuid() == 0
        let credentials = try credentials(params, isRoot: isRoot || assumesRoot)
        let abilities = Self.abilities(isRoot ? credentials.forProbing : ResolvedCredentials())
        let kvm =
            params.accel.value == .tcg
            ? .unusable("ACCEL=tcg")
            : KVMProbe(cache: cache).verdict(canOpen: abilities & CInt(CLINUX_CAN_OPEN_KVM) != 0)
        let qemu = try QEMUProbe(cache: cache, credentials: isRoot ? credentials : .caller).facts(named: params.qemu)
        return HostFacts(
            isRoot: isRoot || assumesRoot, machineID: Self.machineID, qemu: qemu, kvm: kvm,
            ioUring: abilities & CInt(CLINUX_CAN_IO_URING) != 0,
            vhostNet: Self.opens("/dev/vhost-net"), credentials: credentials, images: images(params, options),
            bridges: try bridges(params), takenPorts: takenPorts(params))
    }

    /// The content of machine-id(5), or empty.
    static var machineID: String {
        let bytes = (try? readFile("/etc/machine-id", limit: 64)) ?? []
        return String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    }

    private func credentials(_ params: VMParams, isRoot: Bool) throws(VMError) -> Credentials {
        guard let runAs = params.runAs else { return isRoot ? .ownUID(groups: Accounts.kvmGroups) : .caller }
        let (uid, gid) = try Accounts.resolve(runAs.value)
        if uid == geteuid(), !isRoot { return .caller }
        guard isRoot else {
            throw VMError(
                .denied, "RUNAS=\(runAs.value)", "only root can run a VM as another user",
                remedy: "run kvmctl as root, or leave RUNAS out")
        }
        return .user(runAs.value, uid: uid, gid: gid, groups: Accounts.kvmGroups)
    }

    private static func abilities(_ credentials: ResolvedCredentials) -> CInt {
        let launch = Launch(path: "", arguments: [], credentials: credentials)
        return max(0, launch.probe())
    }

    private static func opens(_ path: FilePath) -> Bool {
        (try? OwnedDescriptor.open(path, .readWrite).rawValue) != nil
    }

    private func images(_ params: VMParams, _ options: StartOptions) -> [FilePath: ImageFacts] {
        var paths = params.disks.map(\.path.value) + params.cdroms.map(\.path.value)
        paths += [params.kernel?.image.value, params.kernel?.initrd?.value, options.cdrom].compactMap { $0 }
        return paths.reduce(into: [:]) { $0[$1] = ImageFacts(probing: $1) }
    }

    private func bridges(_ params: VMParams) throws(VMError) -> [InterfaceName: BridgeFacts] {
        let names = Set(
            params.nics.compactMap { nic -> InterfaceName? in
                if case .bridge(let name) = nic.network.value { name } else { nil }
            })
        guard !names.isEmpty else { return [:] }
        do throws(NetworkError) {
            var socket = try RouteSocket()
            var found: [InterfaceName: BridgeFacts] = [:]
            for name in names {
                guard let link = try socket.link(named: name) else { continue }
                let kind = link.kind ?? "a device of another kind"
                found[name] = BridgeFacts(
                    otherKind: kind == "bridge" ? nil : kind, isUp: link.isUp, mtu: Int(link.mtu))
            }
            return found
        } catch {
            throw VMError(error)
        }
    }

    private func takenPorts(_ params: VMParams) -> Set<Int> {
        var taken: Set<Int> = []
        if case .number(let display) = params.vnc.display.value,
            PortProbe.isTaken(.tcp, params.vnc.bind.value, UInt16(clamping: 5900 + display))
        {
            taken.insert(5900 + display)
        }
        for forward in params.forwards.map(\.value)
        where PortProbe.isTaken(forward.transport, forward.address, forward.hostPort) {
            taken.insert(Int(forward.hostPort))
        }
        return taken
    }
}

/// O_DIRECT of open(2), which only _GNU_SOURCE declares (asm-generic/fcntl.h).
private let directIO: CInt = 0o40_000

extension ImageFacts {
    /// Looks at what is at a path.
    init(probing path: FilePath) {
        do throws(Errno) {
            guard let file = try status(of: path) else {
                self = Self.missing(path)
                return
            }
            switch file.st_mode & S_IFMT {
            case S_IFREG:
                let image = try OwnedDescriptor.open(path, .readOnly)
                let header = try readAll(image.descriptor, limit: ImageContent.headerLength)
                self = .file(
                    .init(
                        bytes: Int64(file.st_size), content: ImageContent(header: header),
                        directIO: Self.doesDirectIO(path, flags: 0)))
            case S_IFBLK:
                let device = try OwnedDescriptor.open(path, .readOnly)
                self = .blockDevice(bytes: Int64(lseek(device.rawValue, 0, SEEK_END)))
            case S_IFDIR: self = .unusable("is a directory")
            default: self = .unusable("is neither a file nor a block device")
            }
        } catch {
            self = .unusable("can't be read: \(error.description)")
        }
    }

    private static func missing(_ path: FilePath) -> ImageFacts {
        let directory = path.removingLastComponent()
        guard let found = try? status(of: directory), found.st_mode & S_IFMT == S_IFDIR else {
            return .directoryMissing
        }
        return .missing(directIO: doesDirectIO(directory, flags: temporaryFile))
    }

    /// open(2) says EINVAL where the file system has no O_DIRECT.
    private static func doesDirectIO(_ path: FilePath, flags: CInt) -> Bool {
        let mode: FileDescriptor.AccessMode = flags == 0 ? .readOnly : .readWrite
        return (try? OwnedDescriptor.open(path, mode, flags: flags | directIO, permissions: 0o600).rawValue) != nil
    }
}
