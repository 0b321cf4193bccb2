import BridgeKernel
import BridgeNet
import CLinux
import Glibc
import SystemPackage
import VMCore
import VMHost

/// The descriptors that QEMU will inherit, open in this process until then. Whatever the kernel frees with its last
/// descriptor (locks, taps, sockets) is released with the table if no QEMU has inherited it.
struct DescriptorTable: ~Copyable {
    private var held: [(number: CInt, descriptor: FileDescriptor)] = []
    /// The interfaces of the NICs.
    var ports: [HeldPort] = []
    /// The VM's addresses on `nat`, if it has a NIC there.
    private(set) var nat: NATMember?
    private var natLease: OwnedDescriptor?
    /// The uid that only this VM has, if it has one.
    private(set) var uid: UInt32 = 0

    deinit {
        for entry in held { try? entry.descriptor.close() }
    }

    /// Opens everything that the plan lists, in its order.
    ///
    /// - Parameters:
    ///   - vm: the VM of the plan.
    ///   - life: the VM's lock, if the plan has it.
    ///   - trust: whose files are opened.
    init(
        _ plan: LaunchPlan, of vm: Machine, life: consuming OwnedDescriptor?, trust: FileTrust, foreground: Bool,
        stopwatch: Stopwatch
    ) throws(VMError) {
        let (paths, directory) = (vm.paths, vm.directory)
        var life = life
        var route: RouteSocket?
        for descriptor in plan.descriptors {
            let number = descriptor.number
            switch descriptor.role {
            case .lock:
                if let lock = life.take() { hold(lock, as: number) }
            case .tap(let nic, queue: 0):
                // A macvtap's queues are held with its link.
                guard let tap = plan.taps.first(where: { $0.nic == nic }) else { continue }
                stopwatch.lap(.descriptors)
                defer { stopwatch.lap(.network) }
                do throws(NetworkError) { try holdTap(tap, of: plan, using: &route) } catch { throw VMError(error) }
            case .macvtap(let nic):
                guard let macvtap = plan.macvtaps.first(where: { $0.nic == nic }) else { continue }
                defer { stopwatch.lap(.network) }
                hold(try holdMacvtap(macvtap, of: plan, paths, using: &route), as: number)
            case .portRules:
                defer { stopwatch.lap(.network) }
                hold(try holdPortRules(of: plan, paths, using: &route), as: number)
            case .taps:
                defer { stopwatch.lap(.network) }
                hold(try holdTaps(of: plan, paths, using: &route), as: number)
            case .tap: continue  // held with the tap's first queue
            case .isolated(let network):
                defer { stopwatch.lap(.network) }
                guard let bridge = Network.isolated(network).privateBridge else { continue }
                hold(try PrivateBridge.isolated(network, bridge).hold(for: plan.name, in: paths), as: number)
            case .natNetwork:
                defer { stopwatch.lap(.network) }
                try joinNAT(plan, paths, as: number)
            case .natLease:
                if let lease = natLease.take() { hold(lease, as: number) }
            case .share(let directory):
                let serving = ShareServing(
                    plan: plan, trust: trust, keepsLimits: foreground && ServiceManager.startedThisProcess,
                    messages: self.descriptor(of: .messages, in: plan) ?? STDERR_FILENO)
                hold(try serving.serve(directory), as: number)
            case .hostPort(let port): hold(try PortProbe.take(port), as: number)
            case .uidLock:
                try holdUID(of: plan.name, paths, as: number)
            case .messages where foreground:
                if let stream = MessageStream.ofThisProcess {
                    hold(try stream.open(), as: number)
                } else {
                    hold(try RunLog.begin(paths.qemuLog(plan.name)), as: number)
                }
            default:
                hold(try Self.open(descriptor.role, plan, directory, paths, trust), as: number)
            }
        }
    }

    /// Hands every descriptor to a launch.
    func pass(to launch: inout Launch) {
        for entry in held { launch.pass(entry.descriptor, as: entry.number) }
    }

    /// The open descriptor that has a role in the plan.
    func descriptor(of role: Descriptor.Role, in plan: LaunchPlan) -> CInt? {
        let number = plan.descriptors.first { $0.role == role }?.number
        return held.first { $0.number == number }?.descriptor.rawValue
    }

    mutating func hold(_ descriptor: consuming OwnedDescriptor, as number: CInt) {
        held.append((number, FileDescriptor(rawValue: descriptor.release())))
    }

    private mutating func joinNAT(_ plan: LaunchPlan, _ paths: Paths, as number: CInt) throws(VMError) {
        guard let bridge = Network.nat.privateBridge, let member = plan.nat else { return }
        let joined = try NATNetwork(paths: paths, bridge: bridge).join(member)
        nat = joined.member
        hold(joined.network, as: number)
        natLease = consume joined.lease
    }

    private mutating func holdUID(of name: VMName, _ paths: Paths, as number: CInt) throws(VMError) {
        do throws(Errno) {
            let lease = try UIDPool.take(for: name, in: paths.uids)
            uid = lease.uid
            hold(lease.lock, as: number)
        } catch {
            throw .system(error, paths.uids.string, "can't take a uid for the VM")
        }
    }

    private static func open(
        _ role: Descriptor.Role, _ plan: LaunchPlan, _ directory: RuntimeDirectory, _ paths: Paths, _ trust: FileTrust
    ) throws(VMError) -> OwnedDescriptor {
        let files = PlannedFiles(identities: plan.identities, trust: trust)
        switch role {
        case .monitorInput:
            return try memory("monitor-input", Array(plan.monitorInput.map { $0.line() + "\n" }.joined().utf8))
        case .record: return try RunLog.begin(paths.record(plan.name))
        case .messages: return try RunLog.begin(paths.qemuLog(plan.name))
        case .consoleLog: return try RunLog.begin(paths.consoleLog(plan.name))
        case .firmwareLog: return try RunLog.begin(paths.firmwareLog(plan.name))
        case .monitorSocket: return try directory.listen(.monitor)
        case .serialSocket: return try directory.listen(.serial)
        case .agentSocket: return try directory.listen(.agent)
        case .image(let path, let writable, let direct):
            return try files.image(path, writable: writable, direct: direct)
        case .vhost: return try device("/dev/vhost-net")
        case .savedMemory(let path): return try files.regular(path)
        case .blob(let path): return try blob(path, try files.regular(path), for: plan.credentials)
        case .secret(let path): return try secret(try password(in: path, try files.regular(path)), of: directory)
        case .seed(let seed): return try medium(seed)
        case .scratch(let size): return try ScratchFile.make(size)
        case .frozen(let path, nil): return try files.regular(path)
        case .frozen(let path, let size?): return try ScratchFile.make(size, at: path)
        case .madeSecret: return try secret(ScreenPassword.generate(), of: directory)
        case .lock, .uidLock, .isolated, .natNetwork, .natLease, .hostPort, .macvtap, .portRules, .taps, .tap, .share:
            throw VMError(.bug, "\(role)", "is not opened here")
        }
    }

    private static func device(_ path: FilePath) throws(VMError) -> OwnedDescriptor {
        do throws(Errno) { return try .open(path, .readWrite) } catch {
            throw .system(error, path.string, "can't be opened")
        }
    }

    /// QEMU reopens the file through /proc as its own user. If that user may not read it, QEMU is given a copy.
    private static func blob(
        _ path: FilePath, _ original: consuming OwnedDescriptor, for credentials: Credentials
    ) throws(VMError) -> OwnedDescriptor {
        var found = stat()
        if credentials == .caller || (fstat(original.rawValue, &found) == 0 && found.st_mode & S_IROTH != 0) {
            return original
        }
        return try memory("blob", try contents(of: original, path))
    }

    private static func password(
        in path: FilePath, _ original: borrowing OwnedDescriptor
    ) throws(VMError) -> [UInt8] {
        let password = VNCPassword.trimmed(try contents(of: original, path, limit: 4096))
        if let fault = VNCPassword.fault(ofLength: password.count, in: path) { throw fault }
        return password
    }

    private static func secret(
        _ password: [UInt8], of directory: RuntimeDirectory
    ) throws(VMError) -> OwnedDescriptor {
        try ScreenPassword(directory).keep(password)
        return try memory("secret", password)
    }

    private static func contents(
        of file: borrowing OwnedDescriptor, _ path: FilePath, limit: Int = 1 << 30
    ) throws(VMError) -> [UInt8] {
        do throws(Errno) { return try readAll(file.descriptor, limit: limit) } catch {
            throw .system(error, path.string, "can't be read")
        }
    }

    /// QEMU takes a descriptor for a read-only image only if it can't be written to.
    private static func medium(_ seed: CloudSeed) throws(VMError) -> OwnedDescriptor {
        let image = seed.image
        let file = try memory("seed", image.bytes, size: image.size)
        do throws(Errno) {
            let readable = try OwnedDescriptor.open(FilePath("/proc/self/fd/\(file.rawValue)"), .readOnly)
            extendLifetime(file)
            return readable
        } catch { throw .system(error, "seed", "can't be opened") }
    }

    /// An unnamed, read-only file in memory that holds these bytes, positioned at its beginning.
    ///
    /// - Parameter size: its size, if zeros follow the bytes.
    private static func memory(_ name: String, _ bytes: [UInt8], size: Int64? = nil) throws(VMError) -> OwnedDescriptor
    {
        do throws(Errno) {
            let file = try OwnedDescriptor(returned: clinux_memory_file(name))
            try writeAll(bytes, to: file.descriptor)
            if let size, ftruncate(file.rawValue, off_t(size)) != 0 { throw Errno(rawValue: errno) }
            lseek(file.rawValue, 0, SEEK_SET)
            let result = clinux_seal_memory_file(file.rawValue)
            guard result == 0 else { throw Errno(rawValue: -result) }
            return file
        } catch {
            throw .system(error, name, "can't be kept in memory")
        }
    }
}
