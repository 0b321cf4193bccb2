import BridgeKernel
import BridgeNet
import FoundationEssentials
import Glibc
import SystemPackage
import VMCore
import VMHost

/// The description of a VM to create.
package struct NewVM: Equatable, Sendable {
    /// Where it will be.
    package var place: NewVMPlace
    /// The directory that will hold it.
    package var directory: FilePath { place.directory }
    /// `NAME`; nil: the directory's name.
    package var name: VMName?
    /// `MEMORY`.
    package var memory: ByteCount
    /// `CPUS`.
    package var cpus: Int
    /// The sizes of its disks, vdisk0 first.
    package var disks: [ByteCount]
    /// `NETn`, NET0 first.
    package var networks: [Network]
    /// `VNCDISP`.
    package var vnc: VNCDisplay
    /// ISOs that stay attached.
    package var cdroms: [FilePath]

    /// Describes a VM; see the properties.
    package init(
        place: NewVMPlace, name: VMName? = nil, memory: ByteCount, cpus: Int, disks: [ByteCount],
        networks: [Network], vnc: VNCDisplay, cdroms: [FilePath] = []
    ) {
        self.place = place
        self.name = name
        self.memory = memory
        self.cpus = cpus
        self.disks = disks
        self.networks = networks
        self.vnc = vnc
        self.cdroms = cdroms
    }
}

/// Creates a new VM: its directory, its disks, its params file.
package struct Creating: Sendable {
    /// The VM to create.
    package let vm: NewVM
    /// The text of the params file.
    package let text: String
    /// The params file's path.
    package var file: FilePath { vm.directory.appending("vm.params") }
    private let site: Site
    let trust: FileTrust

    /// Plans a VM: chooses its UUID and MACs, and pins the machine type, so that the guest keeps its hardware when QEMU
    /// is upgraded. Touches nothing.
    ///
    /// - Parameters:
    ///   - trust: whose directories it may be created in.
    ///   - looking: whether the plan is only shown, so that no probe result is cached.
    package init(_ vm: NewVM, in site: Site, trust: FileTrust, looking: Bool = false) throws(VMError) {
        self.vm = vm
        self.site = site
        self.trust = trust
        let uuid = Self.freeUUID(vm, site)
        let machine = Self.pinnedMachine(ProbeCache(directory: site.paths.cache, keeps: !looking), trust)
        do throws(ParamsDocument.Failure) {
            text = try Self.document(vm, uuid: uuid, machine: machine).text
        } catch {
            throw Self.refusal(of: vm, details: ["\(error)."])
        }
        // Only the decoder decides what a valid VM is.
        let parsed = VMParams.parse(Array(text.utf8), file: vm.directory.appending("vm.params"))
        if parsed.errorCount > 0 { throw Self.refusal(of: vm, parsed) }
    }

    /// Plans a VM that has its disks, and whose params file is known.
    init(_ text: String, at place: NewVMPlace, in site: Site, trust: FileTrust) {
        vm = NewVM(
            place: place, memory: ByteCount(bytes: 0), cpus: 1, disks: [], networks: [], vnc: .none)
        (self.text, self.site, self.trust) = (text, site, trust)
    }

    /// A usage error: there is no file yet whose content could be wrong, so the options are.
    private static func refusal(of vm: NewVM, _ parsed: ParsedParams) -> VMError {
        let (name, source) = VMParams.defaultNameText(of: parsed.file)
        guard vm.name != nil || VMName(name) != nil else {
            return VMError(
                .usage, vm.directory.string, "\(source), \(Printable.quoted(name)), can't be the VM's name",
                remedy: "give another one with --name NAME. \(ParamsDecoder.nameRule)")
        }
        return refusal(
            of: vm,
            details: parsed.diagnostics.map { [$0.message + ".", $0.hint].compactMap(\.self).joined(separator: " ") })
    }

    private static func refusal(of vm: NewVM, details: [String]) -> VMError {
        VMError(.usage, vm.directory.string, "these options don't make a valid VM", details: details)
    }

    /// The disks to create.
    package var disks: [FilePath] { vm.disks.indices.map { vm.directory.appending("vdisk\($0)") } }

    /// Creates the VM, and returns once it would survive a power cut. On failure nothing of it remains. Files that
    /// existed before are never touched.
    package func create() throws(VMError) {
        try check()
        var made: [NewFile] = []
        let root = try makeDirectory(vm.place.newRoot)
        let directory: NewDirectory?
        do throws(VMError) { directory = try makeDirectory(vm.directory) } catch {
            root?.remove()
            throw error
        }
        do throws(VMError) {
            // The files get their names last, all at once: an interrupted create leaves nothing in the way of the next.
            let images = zip(disks, vm.disks).map { SparseDisk(path: $0, size: $1) }
            for image in images {
                if let left = leftBehind(image) {
                    let place = try find(image.path)
                    try writing(image.path) { () throws(Errno) in try place.remove(left) }
                }
                made.append(try image.prepare(trust))
            }
            let params = try prepareParams()
            made.append(params)
            for (path, new) in zip(disks + [file], made) { try writing(path) { () throws(Errno) in try new.sync() } }
            for (image, new) in zip(images, made) { try image.putInPlace(new) }
            // With its params file the VM exists.
            try writing(file) { () throws(Errno) in try params.putInPlace() }
            try writing(vm.directory) { () throws(Errno) in
                try params.syncName()
                try directory?.syncName()
                try root?.syncName()
            }
        } catch {
            made.forEach { $0.remove() }
            directory?.remove()
            root?.remove()
            throw error
        }
    }

    /// Warnings about the space that the disks may come to need. To be read before the disks are created.
    package var warnings: [String] {
        SpaceCheck.warnings(
            zip(disks, vm.disks).map { SparseDisk(path: $0, size: $1) },
            besides: PlanningContext(site, trust: trust).growth)
    }

    /// Checks that the VM can be created: nothing is in the way, and the caller may write there. Touches nothing.
    package func check() throws(VMError) {
        // A dangling symbolic link is in the way too.
        let left = zip(disks, vm.disks).filter { leftBehind(SparseDisk(path: $0, size: $1)) != nil }.map(\.0)
        for path in [file] + disks where RunFileOwnership.ownStatus(of: path) != nil && !left.contains(path) {
            throw VMError(
                .cannotCreate, path.string, "exists already",
                remedy: "nothing was changed; name another directory, or remove what is there")
        }
        let directory = try find(vm.place.newRoot ?? vm.directory)
        let isThere = directory.status != nil
        if isThere, directory.status?.kind != S_IFDIR {
            throw VMError(
                .cannotCreate, (vm.place.newRoot ?? vm.directory).string, "is not a directory",
                remedy: "name another directory")
        }
        let place = isThere ? vm.directory : (vm.place.newRoot ?? vm.directory).removingLastComponent()
        guard let failure = isThere ? directory.writeFailure : directory.directoryFailure else { return }
        throw .system(
            failure, place.string, "can't be written to",
            remedy: "name a directory where you may write, or run kvmctl as a user who may write there")
    }

    /// A disk left behind by a create that was interrupted after naming its disks and before naming its params file: it
    /// is unchanged since, and empty. nil if there is none, or if it may be anything else.
    private func leftBehind(_ disk: SparseDisk) -> FileIdentity? {
        guard let found = RunFileOwnership.ownStatus(of: disk.path), RunFileOwnership.ownStatus(of: file) == nil,
            found.kind == S_IFREG,
            found.st_uid == geteuid(), found.st_mode & 0o7777 == SparseDisk.permissions, found.st_nlink == 1,
            found.st_blocks == 0, Int64(found.st_size) == disk.size.bytes
        else { return nil }
        let claims = PlanningContext(site, trust: trust).allClaims
        let isFree =
            claims.obstacle == nil && claims.gap(besides: file, at: disk.path) == nil
            && claims.use(of: found, at: disk.path, besides: file) == nil
        return isFree ? FileIdentity(found) : nil
    }

    private func find(_ path: FilePath) throws(VMError) -> FoundFile {
        do throws(PathWalk.Failure) { return try trust.find(path) } catch {
            switch error {
            case .system(.noSuchFileOrDirectory, let place):
                throw VMError(
                    .notFound, vm.directory.string, "the directory \(place) does not exist",
                    remedy: .run("create it", "mkdir -p \(vm.directory.removingLastComponent())"))
            case .system(.notDirectory, let place):
                throw VMError(.cannotCreate, place.string, "is not a directory", remedy: "name another directory")
            case .system(let errno, _): throw .system(errno, path.string, "can't be accessed")
            case .distrusted(let distrust): throw distrust.refusal(toMake: path)
            }
        }
    }

    /// Creates a directory; nil if it exists already.
    private func makeDirectory(_ path: FilePath?) throws(VMError) -> NewDirectory? {
        guard let path else { return nil }
        let place = try find(path)
        guard place.status == nil else { return nil }
        do throws(Errno) { return try NewDirectory(at: place, permissions: 0o755) } catch {
            throw .system(error, path.string, "can't create the directory")
        }
    }

    private func prepareParams() throws(VMError) -> NewFile {
        let place = try find(file)
        do throws(Errno) {
            return try NewFile(at: place, permissions: 0o644) { out throws(Errno) in
                try writeAll(Array(text.utf8), to: out.descriptor)
            }
        } catch { throw .system(error, file.string, "can't be written") }
    }

    private func writing<Value>(_ path: FilePath, _ step: () throws(Errno) -> Value) throws(VMError) -> Value {
        do throws(Errno) { return try step() } catch { throw .system(error, path.string, "can't be written") }
    }

    /// A UUID whose MACs no other VM has.
    private static func freeUUID(_ vm: NewVM, _ site: Site) -> UUID {
        let others = site.definitions().files.compactMap { try? VMFile.glance(at: $0) }
        let taken = Set(others.flatMap { $0.nics.compactMap(\.mac?.value) })
        while true {
            let uuid = UUID()
            let macs = vm.networks.indices.map { Identity.mac(uuid: uuid, nic: $0) }
            if taken.isDisjoint(with: macs) { return uuid }
        }
    }

    /// The versioned name behind `q35`; the alias itself if QEMU can't be asked.
    private static func pinnedMachine(_ cache: ProbeCache, _ trust: FileTrust) -> String {
        let facts = try? QEMUProbe(cache: cache, credentials: .caller).facts(of: QEMUProgram(nil, trust))
        return facts?.machines["q35"]?.versionedName ?? "q35"
    }

    /// The params file of the VM.
    private static func document(
        _ vm: NewVM, uuid: UUID, machine: String
    ) throws(ParamsDocument.Failure) -> ParamsDocument {
        var document = ParamsDocument()
        document.append(comment: "Made by kvmctl create. Every key: vm.params(5).")
        if let name = vm.name { try document.set(KeyName(.name), to: "\(name)") }
        try document.set(KeyName(.uuid), to: uuid.uuidString.lowercased())
        try document.set(KeyName(.machine), to: machine)
        try document.set(KeyName(.memory), to: vm.memory.parameter)
        try document.set(KeyName(.cpus), to: "\(vm.cpus)")
        for index in vm.disks.indices {
            try document.set(KeyName(.disk, index), to: "vdisk\(index)")
            try document.set(KeyName(.diskFormat, index), to: "raw")
        }
        for (index, path) in vm.cdroms.enumerated() { try document.set(KeyName(.cdrom, index), to: path.string) }
        if vm.networks.isEmpty { try document.set(KeyName(.net, 0), to: "none") }
        for (index, network) in vm.networks.enumerated() {
            try document.set(KeyName(.net, index), to: "\(network)")
            try document.set(KeyName(.netMAC, index), to: "\(Identity.mac(uuid: uuid, nic: index))")
        }
        try document.set(KeyName(.vncDisplay), to: "\(vm.vnc)")
        return document
    }
}
