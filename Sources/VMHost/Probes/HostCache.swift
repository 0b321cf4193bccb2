import BridgeKernel
import BridgeNet
import CLinux
import Glibc
import SystemPackage
import VMCore

/// What a command has found out about the host. Each thing is asked once, however many VMs the command handles. A
/// command that changes something keeps only what stays the same while it runs; one that only looks keeps everything.
package final class HostCache {
    package let cache: ProbeCache

    package init(cache: ProbeCache) { self.cache = cache }

    package private(set) lazy var machineID = Result { () throws(VMError) in try MachineID.read() }
    package private(set) lazy var memory = HostMemory()
    package private(set) lazy var canOpenVhost =
        (try? OwnedDescriptor.open("/dev/vhost-net", .readWrite).rawValue) != nil
    package private(set) lazy var firstFreePort = Result { () throws(VMError) in
        try Sysctl(key: "net/ipv4/ip_unprivileged_port_start").value().flatMap { UInt16($0) } ?? 1024
    }

    package private(set) lazy var shareServer = Result { () throws(VMError) in try ShareServer.ask() }

    private var verdicts: [Bool: KVMVerdict] = [:]
    private var abilities: [Trial: Result<CInt, Errno>] = [:]
    private var qemus: [InquiryKey: Result<QEMUFacts, VMError>] = [:]
    private var processors: [ProcessorKey: ProcessorFacts?] = [:]
    private var linkTable: Result<LinkTable, NetworkError>?
    private var networkState: Result<NetworkState, NetworkError>?
    private var natSurveys: [InterfaceName: Result<NATSurvey, VMError>] = [:]

    /// A QEMU, and the conditions for asking it.
    package struct Inquiry {
        package var program: QEMUProgram
        var credentials: Credentials
        /// Whether it may be executed.
        var mayAsk: Bool
        /// Whether its answers may be cached for later commands.
        var mayKeep: Bool

        package init(program: QEMUProgram, credentials: Credentials, mayAsk: Bool, mayKeep: Bool) {
            self.program = program
            self.credentials = credentials
            self.mayAsk = mayAsk
            self.mayKeep = mayKeep
        }

        fileprivate var key: InquiryKey {
            InquiryKey(
                path: program.path, file: program.key, credentials: credentials.forProbing, mayAsk: mayAsk,
                mayKeep: mayKeep)
        }
    }

    fileprivate struct InquiryKey: Hashable {
        var path: FilePath
        var file: String
        var credentials: ResolvedCredentials
        var mayAsk: Bool
        var mayKeep: Bool
    }

    private struct ProcessorKey: Hashable {
        var inquiry: InquiryKey
        var question: ProcessorProbe.Question
    }

    /// What a process with QEMU's credentials tries.
    package struct Trial: Hashable {
        var credentials: ResolvedCredentials
        /// The program that it tries to execute.
        var program: String

        package init(credentials: ResolvedCredentials, program: String) {
            self.credentials = credentials
            self.program = program
        }
    }

    package func kvm(canOpen: Bool) -> KVMVerdict {
        if let known = verdicts[canOpen] { return known }
        let verdict = KVMProbe(cache: cache).verdict(canOpen: canOpen)
        verdicts[canOpen] = verdict
        return verdict
    }

    /// Starts a process that tries it; nil if it was tried before.
    package func begin(_ trial: Trial) -> Launch.Trial? {
        guard abilities[trial] == nil else { return nil }
        return Launch(path: trial.program, arguments: [], credentials: trial.credentials).beginTrial()
    }

    /// The result: an OR of CLINUX_CAN_….
    package func end(_ trial: Trial, _ process: consuming Launch.Trial?) throws(Errno) -> CInt {
        if let process = consume process {
            do throws(Errno) { abilities[trial] = .success(try process.finish()) } catch {
                abilities[trial] = .failure(error)
            }
        }
        return try abilities[trial]?.get() ?? 0
    }

    package func qemu(_ inquiry: Inquiry) throws(VMError) -> QEMUFacts {
        if let known = qemus[inquiry.key] { return try known.get() }
        let facts = Result { () throws(VMError) in
            try QEMUProbe(cache: cache(for: inquiry), credentials: inquiry.credentials, mayAsk: inquiry.mayAsk)
                .facts(of: inquiry.program)
        }
        qemus[inquiry.key] = facts
        return try facts.get()
    }

    package func processor(_ question: ProcessorProbe.Question, _ inquiry: Inquiry) -> ProcessorFacts? {
        let key = ProcessorKey(inquiry: inquiry.key, question: question)
        if let known = processors[key] { return known }
        let facts = ProcessorProbe(
            cache: cache(for: inquiry), qemu: inquiry.program, credentials: inquiry.credentials.forProbing,
            mayAsk: inquiry.mayAsk
        ).facts(question)
        processors.updateValue(facts, forKey: key)
        return facts
    }

    private func cache(for inquiry: Inquiry) -> ProbeCache {
        ProbeCache(directory: cache.directory, keeps: cache.keeps && inquiry.mayKeep)
    }

    /// The host's links, as first read.
    func links() throws(NetworkError) -> LinkTable {
        if let known = linkTable { return try known.get() }
        let table = Result { () throws(NetworkError) in
            var socket = try RouteSocket()
            return LinkTable(try socket.links())
        }
        linkTable = table
        return try table.get()
    }

    /// The same with the details that are asked for some links only.
    package func linkState() throws(NetworkError) -> NetworkState {
        if let known = networkState { return try known.get() }
        let state = Result { () throws(NetworkError) in
            var socket = try RouteSocket()
            return try socket.linkState()
        }
        networkState = state
        return try state.get()
    }

    /// The network `nat`, as first read.
    package func nat(_ network: NATNetwork) throws(VMError) -> NATSurvey {
        if let known = natSurveys[network.bridge] { return try known.get() }
        let survey = Result { () throws(VMError) in try network.survey() }
        natSurveys[network.bridge] = survey
        return try survey.get()
    }
}

/// The host's links, indexed by name and MAC.
struct LinkTable {
    private let names: [String: Link]
    private let addresses: [MACAddress: [Link]]
    private let ports: [UInt32: Int]

    init(_ links: [Link]) {
        let own = links.map { ($0.name, $0) }
        let others = links.flatMap { link in link.alternativeNames.map { ($0, link) } }
        names = Dictionary(own + others, uniquingKeysWith: { first, _ in first })
        addresses = links.reduce(into: [:]) { table, link in
            if let mac = link.mac { table[mac, default: []].append(link) }
        }
        ports = links.reduce(into: [:]) { counts, link in
            if let controller = link.controller { counts[controller, default: 0] += 1 }
        }
    }

    /// The link with that name or alternative name.
    func called(_ name: DeviceName) -> Link? { names[name.description] }

    /// The links with a MAC.
    func links(with mac: MACAddress) -> [Link] { addresses[mac] ?? [] }

    /// The number of a bridge's ports.
    func ports(of bridge: Link) -> Int { ports[bridge.index] ?? 0 }
}
