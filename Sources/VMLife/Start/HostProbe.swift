import BridgeKernel
import BridgeNet
import CLinux
import Glibc
import SystemPackage
import VMCore
import VMHost

/// Gathers the facts that a launch plan needs. Only reads. That something can't be determined is a fact too.
struct HostProbe {
    let context: PlanningContext
    /// Whose files may be used.
    let trust: FileTrust
    /// Whether the plan is only shown. For a VM that only root can start, a user is then shown root's plan.
    var isLooking = false

    private var known: HostCache { context.host }
    private var paths: Paths { context.site.paths }

    func facts(for params: VMParams, options: StartOptions) -> HostFacts {
        var gaps = Gaps()
        let images = images(params, options, noting: &gaps)
        let isRoot = trust.actsAsRoot
        let isAssumed = isLooking && trust.rule == .ownRights && Self.takesRoot(params, images)
        // If QEMU's user can't be determined, probing is done as nobody, not as root.
        let credentials = gaps.noting(or: geteuid() == 0 ? .nobody : .caller) { () throws(VMError) in
            try Credentials(params, trust, isRoot: isRoot || isAssumed)
        }
        let user = geteuid() == 0 ? credentials : .caller
        let inquiry = gaps.noting(or: nil) { () throws(VMError) in try self.inquiry(params, user) }
        let trial = HostCache.Trial(
            credentials: geteuid() == 0 ? user.forProbing : ResolvedCredentials(),
            program: inquiry?.program.path.string ?? "")
        // It runs while the rest is gathered.
        let process = isAssumed ? nil : known.begin(trial)
        let machineID = gaps.noting(or: "") { () throws(VMError) in try known.machineID.get() }
        let links = links(params, Station.all(of: params, machineID: machineID), noting: &gaps)
        gaps.noting(or: ()) { () throws(VMError) in try checkRuleTool(params) }
        let shareServer = gaps.noting(or: nil) { () throws(VMError) in try serverOfShares(params) }
        // A start has made the directory by now.
        let vm = Machine(name: params.name.value, file: params.file, site: context.site)
        if isLooking, !isAssumed { gaps.note(vm.obstacleToRun()) }
        let ports = ports(params)
        let abilities = isAssumed ? nil : self.abilities(trial, process, noting: &gaps)
        let devices = DeviceFacts(params, abilities: abilities, known)
        let qemu = gaps.noting(or: Self.noQEMU) { () throws(VMError) in try self.qemu(inquiry, devices) }
        let firstFreePort = gaps.noting(or: 1024) { () throws(VMError) in try known.firstFreePort.get() }
        var facts = HostFacts(
            isRoot: isRoot || isAssumed, isAssumed: isAssumed, machineID: machineID, qemu: qemu, kvm: devices.kvm,
            ioUring: devices.ioUring, vhostNet: devices.vhostNet, credentials: credentials, images: images,
            memoryLimit: known.memory.limit, bridges: links.network.bridges, ports: ports,
            interfaces: links.network.taken, nat: links.nat, passwordLength: passwordLength(params),
            problems: gaps.errors)
        facts.standing = context.standing(onLostOf: params, images)
        addResources(params, to: &facts)
        addSeedFiles(params, to: &facts)
        facts.shareServer = shareServer
        addShares(params, qemu: inquiry?.program.path, to: &facts)
        facts.lowerDevices = links.lower.facts
        facts.names = links.network.names.merging(links.lower.names) { one, _ in one }
        if !links.network.bridges.isEmpty { facts.tun = Self.tun(assumed: isAssumed) }
        if case .owner(_, let name) = trust.rule { facts.actsFor = name }
        facts.ownFile = FilePlace(of: params.file)
        facts.canExecuteQEMU = devices.canExecuteQEMU
        facts.hostMemory = known.memory.ram
        facts.firstFreePort = firstFreePort
        // A unit's limits are intended, and systemd shows them.
        if !(options.foreground && ServiceManager.startedThisProcess) { facts.limits = .ofThisProcess }
        if let inquiry { facts.processor = processor(params, facts, inquiry) }
        return facts
    }

    /// Collects what could not be determined.
    private struct Gaps {
        private(set) var errors: [VMError] = []

        mutating func note(_ error: VMError?) {
            if let error { errors.append(error) }
        }

        /// A fact, or its fallback if it can't be determined.
        mutating func noting<Fact>(or fallback: Fact, _ find: () throws(VMError) -> Fact) -> Fact {
            do throws(VMError) { return try find() } catch {
                note(error)
                return fallback
            }
        }
    }

    /// The host's CPUs and huge pages, if the VM asks for some.
    private func addResources(_ params: VMParams, to facts: inout HostFacts) {
        do throws(VMError) {
            if params.cpuSet != nil { facts.cpus = try HostCPUs.ask() }
            if params.hugePages.value != .no {
                facts.hugePages = try HugePagePools(
                    standard: known.memory.hugePage, sizes: [params.hugePages.value.size].compactMap(\.self))
            }
        } catch { facts.problems.append(error) }
    }

    /// What serves the VM's shared directories; nil if it has none.
    private func serverOfShares(_ params: VMParams) throws(VMError) -> ShareServer? {
        guard let share = params.shares.first else { return nil }
        guard Tool.virtiofsd.path != nil else {
            throw Tool.virtiofsd.missing(for: params.place(share.directory.origin))
        }
        return try known.shareServer.get()
    }

    /// The links that the VM will be connected to.
    private struct LinkFacts {
        var nat: NATFacts?
        var network: NetworkFacts
        var lower: LowerDeviceProbe
    }

    private func links(_ params: VMParams, _ stations: [Station], noting gaps: inout Gaps) -> LinkFacts {
        let nat = gaps.noting(or: nil) { () throws(VMError) in try self.nat(params) }
        let network = gaps.noting(or: NetworkFacts()) { () throws(VMError) in
            try NetworkFacts(params, stations, nat: nat, lookingAt: isLooking ? known : nil)
        }
        let lower = gaps.noting(or: LowerDeviceProbe()) { () throws(VMError) in
            try LowerDeviceProbe(params, stations) { () throws(NetworkError) in
                if isLooking { return try known.linkState() }
                var socket = try RouteSocket()
                return try socket.linkState()
            }
        }
        return LinkFacts(nat: nat, network: network, lower: lower)
    }

    /// What QEMU's user may do here, as an OR of CLINUX_CAN_…; nil if that can't be tried.
    private func abilities(
        _ trial: HostCache.Trial, _ process: consuming Launch.Trial?, noting gaps: inout Gaps
    ) -> CInt? {
        do throws(Errno) { return try known.end(trial, process) } catch {
            gaps.note(.system(error, "this host", "can't test what QEMU's user may do here"))
            return nil
        }
    }

    private func qemu(_ inquiry: HostCache.Inquiry?, _ devices: DeviceFacts) throws(VMError) -> QEMUFacts {
        guard let inquiry else { return Self.noQEMU }
        return devices.canExecuteQEMU
            ? try known.qemu(inquiry) : QEMUFacts(unasked: inquiry.program.path.string)
    }

    /// The reason was noted when the binary was looked for.
    private static let noQEMU = QEMUFacts(path: "", version: "", ioUring: false, machines: [:])

    /// The QEMU that the VM is run with. A look executes no program that only a params file names.
    private func inquiry(_ params: VMParams, _ user: Credentials) throws(VMError) -> HostCache.Inquiry {
        let program = try QEMUProgram(params, trust)
        let isHostsOwn = params.qemu == nil ? true : try program.isHostsOwn(trust)
        // Root's cache keeps no answers from an account's own program.
        let isAccounts = if case .owner = trust.rule { true } else { false }
        return .init(
            program: program, credentials: user, mayAsk: !isLooking || isHostsOwn, mayKeep: !isAccounts)
    }

    /// How QEMU handles `CPU`. A user who only looks can't ask if the answer needs root's /dev/kvm.
    private func processor(
        _ params: VMParams, _ facts: HostFacts, _ inquiry: HostCache.Inquiry
    ) -> ProcessorFacts? {
        guard let cpu = params.cpu, let accelerator = Accelerator(params.accel.value, facts.kvm),
            !(facts.isAssumed && accelerator == .kvm), !facts.qemu.path.isEmpty,
            facts.qemu.machines[params.machine.value.description] != nil
        else { return nil }
        let question = ProcessorProbe.Question(
            machine: params.machine.value, accelerator: accelerator.rawValue, processor: cpu.value)
        return known.processor(question, inquiry)
    }

    /// The device that taps are made through. If only root may open it, a preview assumes that root can.
    private static func tun(assumed isAssumed: Bool) -> DeviceCondition {
        let found = DeviceCondition.tun
        if isAssumed, case .refused = found { return .usable }
        return found
    }

    /// Rate limits and filters need nft.
    private func checkRuleTool(_ params: VMParams) throws(VMError) {
        guard let origin = params.nics.compactMap({ $0.filter?.origin ?? $0.rate?.origin }).first,
            Tool.nft.path == nil
        else { return }
        throw Tool.nft.missing(for: params.place(origin))
    }

    /// Whether only root can start the VM: it has a tap, RUNAS, a shared directory, or files that are not the caller's.
    private static func takesRoot(_ params: VMParams, _ images: [FilePath: ImageFacts]) -> Bool {
        params.nics.contains { $0.network.value != .user } || params.runAs != nil
            || !params.shares.isEmpty
            || images.values.contains { image in
                if case .denied(let denial) = image { !denial.isOwn } else { false }
            }
    }

    /// - Parameter gaps: collects why other uses of the disks can't be determined.
    private func images(
        _ params: VMParams, _ options: StartOptions, noting gaps: inout Gaps
    ) -> [FilePath: ImageFacts] {
        var questions: [FilePath: ImageQuestion] = [:]
        func ask(_ path: FilePath?, _ question: ImageQuestion) {
            if let path { questions[path, default: ImageQuestion()].add(question) }
        }
        for disk in params.disks {
            ask(
                disk.path.value,
                ImageQuestion(
                    isMedium: true, isWritten: !disk.readOnly.value && !options.discardsWrites,
                    newSize: disk.size?.value))
            for layer in disk.backing { ask(layer.value, ImageQuestion(isMedium: true, isBacking: true)) }
        }
        for path in params.cdroms.map(\.path.value) + [options.cdrom] {
            ask(path, ImageQuestion(isMedium: true, isDisc: true))
        }
        for path in [params.kernel?.image.value, params.kernel?.initrd?.value] {
            ask(path, ImageQuestion(isKernel: true))
        }
        for file in params.cloudInit?.files ?? [] { ask(file.value, ImageQuestion()) }
        for path in [params.vnc.passwordFile?.value] + params.shares.map(\.directory.value.path) {
            ask(path, ImageQuestion())
        }
        let claims = params.disks.isEmpty ? DiskClaims() : context.claimsOnStarts
        gaps.note(claims.obstacle)
        let host = isLooking ? context.hostDisks : HostDisks()
        defer { gaps.note(host.obstacle) }
        return questions.reduce(into: [:]) { facts, asked in
            guard asked.value.isMedium else {
                facts[asked.key] = ImageFacts(probing: asked.key, trust, for: asked.value)
                return
            }
            facts[asked.key] = ImageFacts(probing: asked.key, trust, for: asked.value) { found, status in
                claims.uses(of: found, status, besides: params.file, host)
            }
        }
    }

    /// The network `nat`, after checking for the programs that it needs; nil if the VM is not on it.
    private func nat(_ params: VMParams) throws(VMError) -> NATFacts? {
        guard let nic = params.nics.first(where: { $0.network.value == .nat }),
            let bridge = nic.network.value.privateBridge
        else { return nil }
        let place = params.place(nic.network.origin)
        for tool in [Tool.dnsmasq, Tool.nft] where tool.path == nil { throw tool.missing(for: "\(place): nat") }
        let identity = Identity(params, machineID: try known.machineID.get())
        let macs = params.nics.map { $0.mac?.value ?? identity.mac(nic: $0.index) }
        let network = NATNetwork(paths: paths, bridge: bridge)
        return (isLooking ? try known.nat(network) : try network.survey()).facts(besides: Set(macs))
    }

    private func passwordLength(_ params: VMParams) -> Int? {
        guard let file = params.vnc.passwordFile?.value, let found = try? trust.find(file),
            let opened = try? found.openRegular(), let content = try? readAll(opened.descriptor, limit: 4096)
        else { return nil }
        return VNCPassword.trimmed(content).count
    }

    /// What is wrong with the files themselves, the images tell.
    private func addSeedFiles(_ params: VMParams, to facts: inout HostFacts) {
        for file in params.cloudInit?.files ?? [] {
            guard case .image(let image)? = facts.images[file.value], !image.isBlockDevice else { continue }
            do throws(VMError) { facts.seedFiles[file.value] = try SeedFile.content(of: file, params, trust) } catch {
                facts.problems.append(error)
            }
        }
    }

    private func ports(_ params: VMParams) -> [HostPort: Errno] {
        var ports = params.forwards.map(\.value.hostEnd) + [params.vnc.port].compactMap(\.self)
        if params.vnc.display.value == .auto { ports.append(params.vnc.anyPort) }
        return ports.reduce(into: [:]) { $0[$1] = PortProbe.obstacle(to: $1) }
    }
}

/// Which of the host's devices QEMU can use.
private struct DeviceFacts {
    var kvm: KVMVerdict
    var ioUring: Bool
    var vhostNet: Bool
    var canExecuteQEMU: Bool

    /// - Parameter abilities: what a process with QEMU's credentials was able to do; nil: the caller can't try it, and
    ///   root's result is assumed.
    init(_ params: VMParams, abilities: CInt?, _ known: HostCache) {
        func can(_ ability: Int) -> Bool { abilities.map { $0 & CInt(ability) != 0 } ?? true }
        if params.accel.value == .tcg {
            kvm = .unusable(.notWanted)
        } else {
            kvm = abilities == nil ? KVMProbe.assumed : known.kvm(canOpen: can(CLINUX_CAN_OPEN_KVM))
        }
        ioUring = can(CLINUX_CAN_IO_URING)
        canExecuteQEMU = can(CLINUX_CAN_EXECUTE)
        vhostNet = abilities == nil ? access("/dev/vhost-net", F_OK) == 0 : known.canOpenVhost
    }
}
