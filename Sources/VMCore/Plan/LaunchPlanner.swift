import BridgeNet
import SystemPackage

/// How long QEMU ends with the process that started it, however that ends.
package enum StarterTie: Equatable, Sendable {
    case none
    /// Always.
    case always
    /// Until the starter says that it may go on alone.
    case untilCalledOff
}

/// What one start asks for beyond the params file.
package struct StartOptions: Equatable, Sendable {
    /// An ISO for this start.
    package var cdrom: FilePath?
    /// What messages call the word that named it.
    package var cdromWord = "--cdrom"
    /// Whether the machine boots that ISO, once; otherwise it is only attached.
    package var bootsCDROM: Bool
    /// Whether QEMU takes this process's place: nobody is left to talk to it.
    package var foreground: Bool
    /// How long QEMU may take to get ready; by itself it takes some 100 ms, on a host that is busy with many, longer.
    package var timeout: Duration
    /// Whether QEMU ends with the process that started it.
    package var tie = StarterTie.none
    /// Whether what the guest writes to its disks goes to unnamed files, and is gone when QEMU is.
    package var discardsWrites = false
    /// The warm image that it goes on from, or makes; nil: none.
    package var warm: WarmStart?
    /// Whether the saved machine that it goes on with has the device that tells a guest that it is a copy.
    package var hasGenerationID = false
    /// Whether a suspended VM is started anew: what it had in memory is lost.
    package var discardsSuspended = false
    /// Where what kvmctl makes for QEMU is, if it is a person who runs QEMU: it then opens everything by its path.
    package var handDirectory: FilePath?

    /// Describes a start; see the properties.
    package init(
        cdrom: FilePath? = nil, bootsCDROM: Bool = true, foreground: Bool = false, timeout: Duration = .seconds(60),
        discardsWrites: Bool = false
    ) {
        self.discardsWrites = discardsWrites
        self.cdrom = cdrom
        self.bootsCDROM = bootsCDROM
        self.foreground = foreground
        self.timeout = timeout
    }
}

extension LaunchPlan {
    /// Plans a start: parameters, options and host facts in; everything to be done out. Pure.
    ///
    /// - Throws: `PlanRefusal` with every reason why the VM can't start as things are.
    package init(_ params: VMParams, options: StartOptions = StartOptions(), facts: HostFacts) throws(PlanRefusal) {
        var planner = LaunchPlanner(params: params, options: options, facts: facts)
        planner.planProcess()
        planner.planMachine()
        planner.planMonitors()
        planner.planDisplay()
        planner.planDevices()
        planner.planGenerationID()
        planner.planDisks()
        planner.planMedia()
        planner.planSeed()
        planner.refuseFilesInTwoPlaces()
        planner.planNetwork()
        planner.planShares()
        planner.planKernel()
        planner.planExtras()
        planner.planCommit()
        planner.planSavedState()
        planner.planWarmMachine()
        planner.compareWithOtherVMs()
        planner.planLimits()
        planner.planAssumptions()
        if params.template.value {
            planner.plan.notices.append("it is a template: VMs are made of it, and it is not started")
        }
        guard planner.problems.isEmpty else { throw PlanRefusal(problems: planner.problems) }
        self = planner.plan
    }
}

/// A plan in the making. The parts of the machine are extensions of it, one file each.
struct LaunchPlanner {
    let params: VMParams
    let options: StartOptions
    let facts: HostFacts
    let identity: Identity
    let bootOrder: BootOrder
    var plan: LaunchPlan
    var problems: [VMError]
    /// The number of the first descriptor.
    var firstNumber: CInt = 0
    /// Files that the caller may not look at.
    var unseen: [FilePath] = []

    package init(params: VMParams, options: StartOptions, facts: HostFacts) {
        self.params = params
        self.options = options
        self.facts = facts
        problems = facts.problems
        identity = Identity(params, machineID: facts.machineID)
        bootOrder = BootOrder(params, cdromFirst: options.cdrom != nil && options.bootsCDROM)
        plan = LaunchPlan(
            name: params.name.value, uuid: identity.uuid.value, file: params.file, executable: facts.qemu.path,
            arguments: [], descriptors: [], newDisks: [], taps: [], credentials: facts.credentials, monitorInput: [],
            commit: [],
            vm: VMDescription(params),
            notices: [], derivedValues: [])
        plan.qemuVersion = facts.qemu.version
        let type = params.machine.value.description
        plan.machineType = facts.qemu.machines[type]?.versionedName ?? type
        plan.cdrom = options.cdrom.map { .init(path: $0, isBooted: options.bootsCDROM) }
        plan.vm.uuid = plan.uuid.description
        plan.vm.given = params.given.text
        plan.identities = facts.images.compactMapValues(\.identity)
    }

    /// Adds words to the command line.
    mutating func add(_ words: String..., purpose: String, from origins: Origin...) {
        add([.words(words)], purpose: purpose, from: origins)
    }

    /// Adds a part of the machine to the command line.
    mutating func add(_ component: Component, purpose: String, from origins: Origin...) {
        add(component, purpose: purpose, from: origins)
    }

    /// Adds a part of the machine that has several reasons to be there.
    mutating func add(_ component: Component, purpose: String, from origins: [Origin]) {
        add([.component(component)], purpose: purpose, from: origins)
    }

    /// Adds words and parts of the machine that belong together.
    mutating func add(_ arguments: [ArgumentGroup.Argument], purpose: String, from origins: [Origin]) {
        plan.arguments.append(ArgumentGroup(arguments: arguments, purpose: purpose, origins: origins))
    }

    /// Gives QEMU a descriptor, and says its number there: they count up in the order of the calls.
    mutating func inherit(_ role: Descriptor.Role) -> CInt {
        let number = firstNumber + CInt(plan.descriptors.count)
        plan.descriptors.append(Descriptor(number: number, role: role))
        return number
    }

    /// Gives QEMU a descriptor that it opens by a file name. The set has the descriptor's number.
    mutating func fdset(_ role: Descriptor.Role, purpose: String, from origin: Origin) -> DescriptorSet {
        let set = DescriptorSet(inherit(role), role, path: pathByHand(role))
        if options.handDirectory == nil { add(.descriptors(set), purpose: purpose, from: origin) }
        return set
    }

    /// Gives QEMU a descriptor of a file that it can't open from a set; returns the name that it opens.
    mutating func inheritedFile(_ role: Descriptor.Role) -> String {
        let number = inherit(role)
        return pathByHand(role) ?? "/proc/self/fd/\(number)"
    }

    /// Where it is, if it is a person who runs QEMU.
    func pathByHand(_ role: Descriptor.Role) -> String? {
        options.handDirectory.flatMap { role.pathByHand(in: $0)?.string }
    }

    /// Notes a reason why this can't be started.
    ///
    /// - Parameter condition: the cause, if it may hit several lines of the file: it is reported at the first.
    mutating func refuse(
        _ code: VMError.Code, _ subject: String, _ cause: String, _ condition: VMError.Condition? = nil,
        remedy: Remedy? = nil
    ) {
        problem(VMError(code, subject, cause, remedy: remedy, condition: condition))
    }

    /// Notes a reason why this can't be started, unless its condition has been noted already.
    mutating func problem(_ error: VMError) {
        let isKnown = error.condition.map { condition in problems.contains { $0.condition == condition } } ?? false
        if !isKnown { problems.append(error) }
    }

    /// A fact of the host's that only the one who starts the VM can try, as an origin.
    func tried(_ fact: String) -> Origin { .host(facts.isAssumed ? "assumed: \(fact)" : fact) }

    /// Says what a plan for root, made by another user, only assumes.
    mutating func planAssumptions() {
        guard facts.isAssumed else { return }
        var assumed = plan.vm.accelerator == "kvm" ? ["that KVM runs guests"] : []
        if !plan.vm.media.isEmpty { assumed.append("io_uring") }
        if !plan.taps.isEmpty, facts.vhostNet { assumed.append("vhost-net") }
        if let cpu = params.cpu, facts.processor == nil { assumed.append("that QEMU makes CPU=\(cpu.value)") }
        assumed += unseen.map { "what is in \($0)" }
        let rest = assumed.isEmpty ? "" : "; assumed, because this user can't look: \(assumed.joined(separator: ", "))"
        plan.notices.append("only root can start this VM, and it is planned as root would start it\(rest)")
    }

    /// Says in a message where a setting stands.
    func place(_ origin: Origin) -> String { params.place(origin) }
}

extension VMParams {
    /// Says in a message where a setting stands: `/vms/1/vm.params:3: DISK1`.
    package func place(_ origin: Origin) -> String {
        let file = written
        return switch origin {
        case .line(let number, let key): "\(file):\(number): \(key)"
        case .included(let file, let number, let key): "\(file):\(number): \(key)"
        case .standard(let key): "\(file): \(key) (default)"
        case .everyVM: file.string
        case .derived(let text): "\(file): \(text)"
        case .option(let text), .host(let text): text
        }
    }
}

/// The text of one QEMU option; what has no value is left out.
func qemuOption(_ name: String, _ properties: [(String, String?)] = []) -> String {
    properties.reduce(into: OptionText(name)) { option, property in
        if let value = property.1 { option.add(property.0, value) }
    }.text
}
