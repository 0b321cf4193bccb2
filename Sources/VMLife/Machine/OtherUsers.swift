import Glibc
import Synchronization
import SystemPackage
import VMCore
import VMHost

/// Which other users of this host may run VMs, as far as the caller believes their files.
package enum OtherUsers: Sendable {
    /// None: `KVMCTL_RUN` has moved the caller's own places.
    case none
    /// Root, whom every user believes.
    case root(Paths)
    /// Other users. Root believes a user only about that user's own VMs, and only what one of that user's processes
    /// confirms.
    case users(OtherUsersVMs)

    /// The other users that matter to a caller.
    package static func of(uid: UInt32, environment: (String) -> String?) -> OtherUsers {
        guard environment("KVMCTL_RUN") == nil else { return .none }
        return uid == 0 ? .users(.all) : .root(.system)
    }

    /// Whether one of them may be running the VM of a params file.
    func mayRun(_ file: FilePath) -> Bool {
        switch self {
        case .none: false
        case .root: true
        case .users: OtherUsersVMs.owner(of: file) != nil
        }
    }
}

/// What other users' run-time files say, read as root.
///
/// Their owner may put anything there: a link, a pipe, a file system that never responds, gigabytes. So another process
/// reads them, with a deadline: only regular files that the user owns, and only a little of each. What they say counts
/// only if a QEMU that runs as that user confirms it. A claim alone is no reason to refuse root anything.
package final class OtherUsersVMs: Sendable {
    /// The only instance: its time limit covers everything that a command reads.
    static let all = OtherUsersVMs()

    private let reader = RemoteReader()
    private let spent = Mutex(Duration.zero)

    /// How long a command reads such files in all.
    private static let patience = Duration.seconds(2)
    /// The longest manifest that is read, in bytes.
    private static let longest = 1 << 20

    private init() {}

    /// What is believed about a user's VM.
    struct RunningVM {
        /// Its QEMU.
        var process: ProcessIdentity
        /// The usual places of the user who runs it.
        var place: Paths
        /// Whether its run-time files are in other places, which only that user knows.
        var isElsewhere = false
    }

    /// The VM of a params file, as run by the user who owns that file; nil if nothing shows that it runs.
    ///
    /// - Parameter disks: the VM's disks; only called if its run-time files are not in the usual places.
    func machine(of name: VMName, _ file: FilePath, disks: () -> [FilePath]) -> RunningVM? {
        guard let owner = Self.owner(of: file) else { return nil }
        let place = Paths.ofUser(owner)
        if let machine = machine(of: name, file, in: place, owner) { return machine }
        // Only the user knows what their XDG_RUNTIME_DIR and KVMCTL_RUN were.
        let process = try? OrphanedQEMU.holding(disks: disks, of: name, owner: owner)
        return process.map { RunningVM(process: $0, place: place, isElsewhere: true) }
    }

    /// The user who owns a file; nil if it is root's.
    static func owner(of file: FilePath) -> UInt32? {
        let owner = (try? status(of: file))?.st_uid
        return owner == 0 ? nil : owner
    }

    private func machine(of name: VMName, _ file: FilePath, in place: Paths, _ owner: UInt32) -> RunningVM? {
        let directory = place.machine(name)
        guard let signature = read(directory.appending("process"), of: owner, limit: 128),
            let process = ProcessIdentity(String(decoding: signature.bytes, as: UTF8.self)),
            Self.isQEMU(process, of: owner)
        else { return nil }
        let manifest = read(directory.appending("manifest.json"), of: owner, limit: Self.longest)
            .flatMap { Manifest($0.bytes) }
        return manifest.map { isSame($0.file, file) } ?? true ? RunningVM(process: process, place: place) : nil
    }

    private func read(_ file: FilePath, of owner: UInt32, limit: Int) -> RemoteReader.Seen? {
        let seen = timed { try? reader.read(file, limit: limit, followsLinks: false) }
        guard let seen, seen.status.st_uid == owner, seen.status.st_mode & S_IFMT == S_IFREG else { return nil }
        return seen
    }

    /// - Parameter told: a path that the user chose, which may lead anywhere.
    private func isSame(_ told: FilePath, _ file: FilePath) -> Bool {
        if told == file { return true }
        guard let one = timed({ try? reader.status(of: told) }) ?? nil, let other = try? status(of: file) else {
            return false
        }
        return FileIdentity(one) == FileIdentity(other)
    }

    private func timed<Value>(_ look: () -> Value?) -> Value? {
        guard spent.withLock({ $0 < Self.patience }) else { return nil }
        let start = ContinuousClock.now
        defer { spent.withLock { $0 += .now - start } }
        return look()
    }

    private static func isQEMU(_ process: ProcessIdentity, of owner: UInt32) -> Bool {
        let files = ProcessFiles(pid: process.pid)
        return process.life == .running && files.owner == owner
            && files.executable?.lastComponent?.string.hasPrefix("qemu") == true
    }
}
