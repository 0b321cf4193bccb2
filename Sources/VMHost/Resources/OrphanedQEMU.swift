import Glibc
import SystemPackage
import VMCore

/// An orphaned QEMU: it still runs although the run-time files that it is known by were removed, by a logout that
/// deleted XDG_RUNTIME_DIR or by a clean-up of /run. It still has its flight record open, as its standard output.
///
/// A process counts only if no other user can pass it off as the caller's: it has the caller's record itself open for
/// writing; or, if that was removed too, it has the caller's own uid, or one of the uids that root gives to VMs.
package struct OrphanedQEMU: Sendable {
    let process: ProcessIdentity
    /// The VM's name, taken from the path of its record.
    private let name: VMName
    private let owner: UInt32
    /// The path of its record, as the kernel reports it.
    private let record: FilePath
    private let isRecordRemoved: Bool

    /// The processes whose output is some VM's record. Searched once: only what happened before this command began
    /// counts.
    private static let all = Result { () throws(Errno) in try found { _ in true } }
    /// Those of them that no other user can pass off as the caller's, whatever their record is.
    private static let own = Result { () throws(Errno) in try found(where: isOwn) }
    private static let ownByName = own.map { Dictionary(grouping: $0, by: \.name.description) }

    /// Sorted by start time: a wrapper script around QEMU has the record open too.
    private static func found(where isWanted: (UInt32) -> Bool) throws(Errno) -> [OrphanedQEMU] {
        var found: [OrphanedQEMU] = []
        for pid in try ProcessFiles.pids(where: isWanted) {
            if let machine = try OrphanedQEMU(pid) { found.append(machine) }
        }
        return found.sorted { $0.process.startTime < $1.process.startTime }
    }

    private init?(_ pid: Int32) throws(Errno) {
        let files = ProcessFiles(pid: pid)
        guard var text = files.output(STDOUT_FILENO) else { return nil }
        let mark = " (deleted)"
        isRecordRemoved = text.hasSuffix("/record\(mark)")
        guard isRecordRemoved || text.hasSuffix("/record"), pid != getpid(), let owner = files.owner,
            let process = try ProcessIdentity(current: pid)
        else { return nil }
        if isRecordRemoved { text.removeLast(mark.count) }
        record = FilePath(text)
        guard let name = record.removingLastComponent().lastComponent.flatMap({ VMName($0.string) }) else { return nil }
        self.name = name
        self.owner = owner
        self.process = process
    }

    /// The process that writes a VM's record; nil if there is none.
    ///
    /// - Throws: why the processes can't be inspected.
    package static func holding(_ record: FilePath) throws(Errno) -> ProcessIdentity? {
        let there = try status(of: record).map { FileIdentity($0) }
        for stray in try (there == nil ? own : all).get() where stray.holds(record, there) {
            if stray.process.life == .running { return stray.process }
        }
        return nil
    }

    /// The process that runs a VM whose record is gone, found by the disks that it has open; nil if none has all of
    /// them open.
    package static func holding(disks: () -> [FilePath], of name: VMName) throws(Errno) -> ProcessIdentity? {
        guard let candidates = try ownByName.get()[name.description]?.filter(\.isLost), !candidates.isEmpty else {
            return nil
        }
        return try holding(disks: disks, among: candidates)
    }

    private static func holding(
        disks: () -> [FilePath], among candidates: [OrphanedQEMU]
    ) throws(Errno) -> ProcessIdentity? {
        var wanted: Set<FileIdentity> = []
        for disk in disks() {
            if let found = try status(of: disk) { wanted.insert(FileIdentity(found)) }
        }
        guard !wanted.isEmpty else { return nil }
        for stray in candidates where wanted.isSubset(of: ProcessFiles(pid: stray.process.pid).files) {
            if stray.process.life == .running { return stray.process }
        }
        return nil
    }

    /// Where a VM's run-time files are, if not where the caller looks: found by the lock file that its QEMU has open.
    /// nil if they were removed.
    ///
    /// - Parameter record: the VM's record, whose path tells the name.
    package static func runTimeFiles(of process: ProcessIdentity, at record: FilePath) -> FilePath? {
        let name = record.removingLastComponent().lastComponent?.string ?? ""
        let lock = ProcessFiles(pid: process.pid).localFiles.first { $0.path.hasSuffix("/vms/\(name)/lock") }
        guard let lock, let there = try? status(of: FilePath(lock.path)), FileIdentity(there) == lock.identity else {
            return nil
        }
        return FilePath(lock.path).removingLastComponent()
    }

    /// The process that runs a user's VM, wherever its run-time files are: it runs as that user, has the name in the
    /// path of its record, and has all the disks open. nil if there is none, or the VM has no disks.
    ///
    /// - Throws: why the processes can't be inspected.
    package static func holding(
        disks: () -> [FilePath], of name: VMName, owner: UInt32
    ) throws(Errno) -> ProcessIdentity? {
        let candidates = try all.get().filter { $0.owner == owner && $0.name == name }
        guard !candidates.isEmpty else { return nil }
        return try holding(disks: disks, among: candidates)
    }

    /// A QEMU that has some of a VM's disks open but is managed elsewhere: its run-time files and its record are in
    /// other places than these.
    package static func elsewhere(holding disks: () -> [FilePath], besides paths: Paths) throws(Errno) -> (
        pid: Int32, record: FilePath
    )? {
        let candidates = try own.get().filter { !$0.record.starts(with: paths.log) && !$0.isLost }
        guard !candidates.isEmpty else { return nil }
        for disk in disks() {
            // Lock and record already say that it does not run; this only adds detail.
            guard let found = try? status(of: disk) else { continue }
            for machine in candidates where ProcessFiles(pid: machine.process.pid).files.contains(FileIdentity(found)) {
                if machine.process.life == .running { return (machine.process.pid, machine.record) }
            }
        }
        return nil
    }

    /// Whether its record has no path any more, or none that leads to it from here: its file system may be unmounted.
    private var isLost: Bool {
        guard !isRecordRemoved, let there = try? status(of: record) else { return true }
        return FileIdentity(there) != ProcessFiles(pid: process.pid).file(of: STDOUT_FILENO)
    }

    /// The names of the VMs whose records in these places are being written, apart from the known ones.
    package static func names(in paths: Paths, besides known: Set<String>) throws(Errno) -> [VMName] {
        var found: [VMName] = []
        for machine in try own.get() {
            guard !known.contains(machine.name.description), !found.contains(machine.name) else { continue }
            let record = paths.record(machine.name)
            if machine.holds(record, try status(of: record).map { FileIdentity($0) }) { found.append(machine.name) }
        }
        return found
    }

    /// - Parameter there: the file that is at the record's path now; nil: none.
    private func holds(_ record: FilePath, _ there: FileIdentity?) -> Bool {
        guard let there else { return isRecordRemoved && self.record == record && Self.isOwn(owner) }
        if RemoteMounts.reader(of: record) != nil {
            return self.record == record && !isRecordRemoved && Self.isOwn(owner)
        }
        return ProcessFiles(pid: process.pid).file(of: STDOUT_FILENO) == there
    }

    /// Whether a process with that uid can only be the caller's. For root, only the uids given to VMs count: root has
    /// many other processes.
    private static func isOwn(_ owner: UInt32) -> Bool {
        geteuid() == 0 ? UIDPool.range.contains(owner) : owner == geteuid()
    }
}
