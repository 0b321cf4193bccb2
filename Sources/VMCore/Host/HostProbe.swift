import BridgeNet
import CLinux
import Glibc
import SystemPackage

/// Gathers the facts that a launch plan needs. Reads only. What can't be found out is a fact too.
struct HostProbe {
    let cache: ProbeCache
    let paths: Paths
    /// Whose files are used.
    let trust: FileTrust
    /// Whether the plan is only to be looked at: by a user it is made as root would, where only root can start the VM.
    var isLooking = false

    func facts(for params: VMParams, options: StartOptions) -> HostFacts {
        let images = images(params, options)
        let machineID = Self.machineID
        let isRoot = trust.actsAsRoot
        let isAssumed = isLooking && trust.rule == .ownRights && Self.takesRoot(params, images)
        var problems: [VMError] = []
        func noting<Fact>(or fallback: Fact, _ find: () throws(VMError) -> Fact) -> Fact {
            do throws(VMError) { return try find() } catch {
                problems.append(error)
                return fallback
            }
        }
        // Where it is not known who QEMU will be, it is nobody who is asked what it can do, and not root.
        let credentials = noting(or: geteuid() == 0 ? .nobody : .caller) { () throws(VMError) in
            try self.credentials(params, isRoot: isRoot || isAssumed)
        }
        let user = geteuid() == 0 ? credentials.forProbing : ResolvedCredentials()
        let trial = isAssumed ? nil : Launch(path: "", arguments: [], credentials: user).beginTrial()
        let qemu = noting(or: QEMUFacts(path: "", version: "", ioUring: false, machines: [:])) { () throws(VMError) in
            let user = geteuid() == 0 ? credentials : .caller
            return try QEMUProbe(cache: cache, credentials: user, trust: trust, isLooking: isLooking)
                .facts(for: params)
        }
        let nat = noting(or: nil) { () throws(VMError) in try self.nat(params) }
        let stations = Station.all(of: params, machineID: machineID)
        let network = noting(or: NetworkFacts()) { () throws(VMError) in
            try NetworkFacts(params, stations, nat: nat, countingPorts: isLooking)
        }
        let lower = noting(or: LowerDeviceProbe()) { () throws(VMError) in try LowerDeviceProbe(params, stations) }
        noting(or: ()) { () throws(VMError) in try checkRuleTool(params) }
        let ports = ports(params)
        var devices = DeviceFacts(assumedFor: params)
        if let trial {
            do throws(Errno) {
                devices = DeviceFacts(params, abilities: try trial.finish(), cache)
            } catch {
                problems.append(.system(error, "this host", "what QEMU's user may do here can't be tried"))
            }
        }
        var facts = HostFacts(
            isRoot: isRoot || isAssumed, isAssumed: isAssumed, machineID: machineID, qemu: qemu, kvm: devices.kvm,
            ioUring: devices.ioUring, vhostNet: devices.vhostNet, credentials: credentials, images: images,
            memoryLimit: Self.memoryLimit, bridges: network.bridges, ports: ports, interfaces: network.taken, nat: nat,
            passwordLength: passwordLength(params), problems: problems)
        facts.lowerDevices = lower.facts
        facts.names = network.names.merging(lower.names) { one, _ in one }
        if !network.bridges.isEmpty { facts.tun = Self.tun(assumed: isAssumed) }
        if case .owner(_, let name) = trust.rule { facts.actsFor = name }
        // Those of a unit are meant, and told by systemd.
        if !(options.foreground && ServiceManager.startedThisProcess) { facts.limits = .ofThisProcess }
        return facts
    }

    /// What taps are made through; where only root may open it, it is assumed that root can.
    private static func tun(assumed isAssumed: Bool) -> DeviceCondition {
        let found = DeviceCondition.tun
        if isAssumed, case .refused = found { return .usable }
        return found
    }

    /// Limits and filters are rules of nft's.
    private func checkRuleTool(_ params: VMParams) throws(VMError) {
        guard let origin = params.nics.compactMap({ $0.filter?.origin ?? $0.rate?.origin }).first,
            Tool.nft.path == nil
        else { return }
        throw Tool.nft.missing(for: params.place(origin))
    }

    /// The content of machine-id(5); empty where there is none, or no valid one.
    static var machineID: String {
        let bytes = ((try? readFile("/etc/machine-id", limit: 64)) ?? []).prefix { $0 != UInt8(ascii: "\n") }
        let isHex = bytes.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
        let isValid = bytes.count == 32 && isHex && bytes.contains { $0 != UInt8(ascii: "0") }
        return isValid ? String(decoding: bytes, as: UTF8.self) : ""
    }

    /// RAM and swap together, where the kernel gives no process more than that at once (proc_sys_vm(5),
    /// overcommit_memory 0); nil where it counts otherwise.
    private static var memoryLimit: ByteCount? {
        guard (try? readFile("/proc/sys/vm/overcommit_memory", limit: 1)) == [UInt8(ascii: "0")],
            let counts = try? readFile("/proc/meminfo")
        else { return nil }
        let kibibytes = counts.split(separator: UInt8(ascii: "\n")).map { String(decoding: $0, as: UTF8.self) }
            .filter { $0.hasPrefix("MemTotal:") || $0.hasPrefix("SwapTotal:") }
            .compactMap { Int64($0.filter(\.isNumber)) }
        return kibibytes.count == 2 ? ByteCount(bytes: (kibibytes[0] + kibibytes[1]) << 10) : nil
    }

    /// Whether only root can start the VM: for a tap, for a user of QEMU's own, for files that are not the caller's.
    private static func takesRoot(_ params: VMParams, _ images: [FilePath: ImageFacts]) -> Bool {
        params.nics.contains { $0.network.value != .user } || params.runAs != nil
            || images.values.contains { image in
                if case .denied(let denial) = image { !denial.isOwn } else { false }
            }
    }

    private func credentials(_ params: VMParams, isRoot: Bool) throws(VMError) -> Credentials {
        let own: Credentials =
            switch trust.rule {
            case .owner(let account, let name):
                .user(name, uid: account.uid, gid: account.gid, groups: account.groups)
            case .accounts, .ownRights: isRoot ? .ownUID(groups: Accounts.kvmGroups) : .caller
            }
        guard let runAs = params.runAs else {
            // A plan for root by a user is not of the user's namespace.
            if case .ownUID = own, geteuid() == 0, !UIDPool.isMapped {
                throw VMError(
                    .unavailable, params.file.string, UIDPool.lack(in: .uids), remedy: .advice(UIDPool.mapping))
            }
            return own
        }
        let place = params.place(runAs.origin)
        let (uid, gid) = try Accounts.resolve(runAs.value, at: place)
        if geteuid() == 0, !IDMap.uids.contains(uid) || !IDMap.gids.contains(gid) {
            throw VMError(
                .unavailable, place,
                "the uid \(uid) or the gid \(gid) is not mapped in this container, "
                    + "whose are \(IDMap.uids)",
                remedy: "name a user whose uid and gid are among those")
        }
        if isRoot { return .user(runAs.value, uid: uid, gid: gid, groups: Accounts.kvmGroups) }
        if case .user(let name, let owner, _, _) = own {
            if uid == owner { return own }
            throw VMError(
                .denied, place, "it is started with the rights of \(name), who can't run a VM as another user",
                remedy: "leave RUNAS out, or say \(name)")
        }
        if uid == geteuid() { return own }
        throw VMError(
            .denied, place, "only root can run a VM as another user",
            remedy: "run kvmctl as root, or leave RUNAS out")
    }

    private func images(_ params: VMParams, _ options: StartOptions) -> [FilePath: ImageFacts] {
        let others = [params.kernel?.image, params.kernel?.initrd, params.vnc.passwordFile].compactMap { $0?.value }
        let media =
            params.disks.map(\.path.value) + params.cdroms.map(\.path.value) + (options.cdrom.map { [$0] } ?? [])
        let claims = params.disks.isEmpty ? DiskClaims() : DiskClaims(forStartOf: params.file, self.paths)
        let host = HostDisks()
        let facts = others.reduce(into: [:]) { $0[$1] = ImageFacts(probing: $1, trust) }
        return media.reduce(into: facts) { facts, path in
            facts[path] = ImageFacts(probing: path, trust) { found, status in
                let claimFailure = status.kind == S_IFBLK ? found.claimFailure : nil
                let uses = [
                    claims.use(of: status, besides: params.file), host.use(of: status, claimFailure: claimFailure),
                ]
                return uses.compactMap(\.self)
            }
        }
    }

    /// The network `nat`, and the programs that it takes; nil where the VM is not on it.
    private func nat(_ params: VMParams) throws(VMError) -> NATFacts? {
        guard let nic = params.nics.first(where: { $0.network.value == .nat }),
            let bridge = nic.network.value.privateBridge
        else { return nil }
        let place = params.place(nic.network.origin)
        for tool in [Tool.dnsmasq, Tool.nft] where tool.path == nil { throw tool.missing(for: "\(place): nat") }
        let identity = Identity(params, machineID: Self.machineID)
        let macs = params.nics.map { $0.mac?.value ?? identity.mac(nic: $0.index) }
        return try NATNetwork(paths: paths, bridge: bridge).facts(besides: Set(macs))
    }

    private func passwordLength(_ params: VMParams) -> Int? {
        guard let file = params.vnc.passwordFile?.value, let found = try? trust.find(file),
            let opened = try? found.openRegular(), let content = try? readAll(opened.descriptor, limit: 4096)
        else { return nil }
        return VNCPassword.trimmed(content).count
    }

    private func ports(_ params: VMParams) -> [HostPort: Errno] {
        var ports = params.forwards.map(\.value.hostEnd)
        if case .number(let display) = params.vnc.display.value {
            ports.append(HostPort(.tcp, params.vnc.bind.value, UInt16(clamping: 5900 + display)))
        }
        return ports.reduce(into: [:]) { $0[$1] = PortProbe.obstacle(to: $1) }
    }
}

/// What the host's devices can do for QEMU.
private struct DeviceFacts {
    var kvm: KVMVerdict
    var ioUring: Bool
    var vhostNet: Bool

    /// - Parameter abilities: what a process with QEMU's credentials was found to be able to do.
    init(_ params: VMParams, abilities: CInt, _ cache: ProbeCache) {
        let canOpenKVM = abilities & CInt(CLINUX_CAN_OPEN_KVM) != 0
        kvm = params.accel.value == .tcg ? .unusable("ACCEL=tcg") : KVMProbe(cache: cache).verdict(canOpen: canOpenKVM)
        ioUring = abilities & CInt(CLINUX_CAN_IO_URING) != 0
        vhostNet = (try? OwnedDescriptor.open("/dev/vhost-net", .readWrite).rawValue) != nil
    }

    /// What root would find, for a user who can't try.
    init(assumedFor params: VMParams) {
        kvm = params.accel.value == .tcg ? .unusable("ACCEL=tcg") : KVMProbe.assumed
        ioUring = true
        vhostNet = access("/dev/vhost-net", F_OK) == 0
    }
}
