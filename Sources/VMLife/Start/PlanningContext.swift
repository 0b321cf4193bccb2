import BridgeNet
import SystemPackage
import VMCore
import VMHost

/// The host and the other VMs, against which the VMs of one command are planned. Everything is read once, when it is
/// first needed, so that a command about a thousand VMs takes a thousand times as long as a command about one, not a
/// million.
///
/// For checks only. What a VM is about to take is checked again.
package final class PlanningContext {
    package let site: Site
    let host: HostCache
    let trust: FileTrust
    private var files: [FilePath: Result<VMFile, VMError>] = [:]
    private var glances: [FilePath: Result<VMParams, VMError>] = [:]

    /// For the VMs of a site.
    ///
    /// - Parameters:
    ///   - trust: whose params files are acted on.
    ///   - keepsProbes: whether what is found out about the host may be cached on disk for the next command.
    package init(_ site: Site, trust: FileTrust, keepsProbes: Bool = false) {
        self.site = site
        self.trust = trust
        host = HostCache(cache: ProbeCache(directory: site.paths.cache, keeps: keepsProbes))
    }

    /// A params file that is to be acted on.
    func file(at path: FilePath) throws(VMError) -> VMFile {
        // It may have been changed while other VMs were dealt with.
        if let known = files[path] {
            guard case .success(let file) = known, try !file.isCurrent else { return try known.get() }
        }
        let file = Result { () throws(VMError) in try VMFile(path, trust) }
        files[path] = file
        return try file.get()
    }

    /// The params file of a VM, which is to be acted on.
    func file(of vm: Machine) throws(VMError) -> VMFile {
        guard !vm.file.isEmpty else { throw .withoutRuntimeFiles(vm.name, "its params file is not known") }
        try vm.refuseEphemeral()
        do throws(VMError) { return try file(at: vm.file) } catch {
            guard error.isAbout(missing: vm.file), vm.observe().state.isAlive else { throw error }
            throw .fileOfRunning(vm.name, vm.file)
        }
    }

    /// A params file that is only read, not acted on.
    func glance(at path: FilePath) throws(VMError) -> VMParams {
        if let known = glances[path] { return try known.get() }
        if case .success(let file)? = files[path] { return file.params }
        let params = Result { () throws(VMError) in try VMFile.glance(at: path) }
        glances[path] = params
        return try params.get()
    }

    /// The content of a params file that will probably be acted on, so that it is read only once. Whether the caller may
    /// act on it is told by `file(at:)`.
    func params(at path: FilePath) throws(VMError) -> VMParams {
        if let file = try? file(at: path) { return file.params }
        return try glance(at: path)
    }

    private lazy var runningVMs = Result { () throws(VMError) in try site.otherRunningVMs() }

    private lazy var definedVMs = Result { () throws(VMError) in
        var unseen: [VMError] = []
        let found = site.otherDefinedVMs(
            besides: try runningVMs.get(), machineID: try host.machineID.get(), noting: &unseen
        ) { path throws(VMError) in try glance(at: path) }
        return (found: found, unseen: unseen)
    }

    private lazy var runningOnes = runningVMs.map { OtherVMs($0) }
    private lazy var runningOnesWithoutAddresses = runningVMs.map { vms in
        OtherVMs(
            vms.lazy.map { vm in
                var vm = vm
                vm.addresses = []
                return vm
            })
    }
    private lazy var allOnes = Result { () throws(VMError) in try runningVMs.get() + definedVMs.get().found }
    private lazy var allOfThem = allOnes.map { OtherVMs($0) }

    /// The VMs that run.
    ///
    /// - Throws: why it can't be told what one of them uses.
    var running: OtherVMs { get throws(VMError) { try runningOnes.get() } }

    /// The same without their addresses, for a caller that compares those itself.
    var runningWithoutAddresses: OtherVMs { get throws(VMError) { try runningOnesWithoutAddresses.get() } }

    /// The VMs that run, and those that are defined.
    var all: OtherVMs { get throws(VMError) { try allOfThem.get() } }

    /// An error for each place where more VMs may be defined.
    var unseen: [VMError] { (try? definedVMs.get().unseen) ?? [] }

    /// Which files VMs use as disks or backing files, as far as a start has to know.
    private(set) lazy var claimsOnStarts = DiskClaims(onStarts: site, trust)

    /// The same for all VMs, for removals. Each removal is reported by `takeAsRemoved`.
    var allClaims: DiskClaims {
        get {
            if let claims { return claims }
            let all = DiskClaims(ofAll: site, trust) { path throws(VMError) in try glance(at: path) }
            claims = all
            return all
        }
        set { claims = newValue }
    }
    private var claims: DiskClaims?

    /// From now on this VM counts as removed, and uses no disks.
    package func takeAsRemoved(_ vm: Machine) { allClaims.forget(vm.file) }

    /// All VMs by the names that new ones can't have, and by their MACs.
    private(set) lazy var index = VMIndex(site) { [unowned self] path throws(VMError) in try glance(at: path) }

    /// The VM that each MAC is written down for, also on a network of QEMU's own: there it is in nobody's way, until that VM
    /// gets another network.
    private(set) lazy var writtenMACs: [MACAddress: OtherVM] = {
        var found: [MACAddress: OtherVM] = [:]
        for file in index.defined.files {
            // A file with errors defines no MAC.
            guard let params = try? glance(at: file) else { continue }
            let vm = OtherVM(name: params.name.value, file: file, isRunning: false)
            for mac in params.nics.compactMap(\.mac?.value) where found[mac] == nil { found[mac] = vm }
        }
        return found
    }()

    /// The MACs of the VMs that this command creates.
    var chosenMACs: Set<MACAddress> = []

    /// The names and addresses of the VMs that this command starts.
    let addresses = AddressClaims()

    /// What the host uses disks for.
    private(set) lazy var hostDisks = HostDisks()

    /// How far the disks of all VMs may still grow, by file system.
    private(set) lazy var growth = SpaceCheck.Growth(
        of: index.defined.files.compactMap { try? glance(at: $0) })

    /// The running and the defined VMs, by their files as they are now, without those of some files.
    ///
    /// - Throws: why it can't be told what one of them uses.
    func otherVMs(besides files: [VMFile]) throws(VMError) -> [OtherVM] {
        if files.isEmpty { return try allOnes.get() }
        let own = Set(files.compactMap { FilePlace(of: $0.params.file) })
        return try allOnes.get().filter { vm in
            vm.filePlace.map { !own.contains($0) } ?? true
        }
    }
}
