import Glibc
import Synchronization
import SystemPackage
import VMCore
import VMHost

/// Who else on this host may run VMs, as far as the caller takes their word for it.
package enum Others: Sendable {
    /// Nobody: `KVMCTL_RUN` has moved the caller's own places.
    case none
    /// Root, whose word a user takes.
    case root(Paths)
    /// Other users. Root takes a user's word for that user's own VMs alone, and for nothing that a process of that user does
    /// not show.
    case users(Hearsay)

    /// Those of a caller.
    package static func of(uid: UInt32, environment: (String) -> String?) -> Others {
        guard environment("KVMCTL_RUN") == nil else { return .none }
        return uid == 0 ? .users(.all) : .root(.system)
    }
}

/// What other users' run-time files say, read as root.
///
/// Whoever owns them may put anything in the way: a link, a pipe, a file system of their own that never answers, gigabytes.
/// So another process reads them, with a deadline, and only regular files of that user's, and little of each; and what they
/// say counts if a QEMU of that user's bears it out. A word alone is no reason to refuse root anything.
package final class Hearsay: Sendable {
    /// What a command is told, by whomever.
    static let all = Hearsay()

    private let reader = RemoteReader()
    private let spent = Mutex(Duration.zero)

    /// How long a command listens in all.
    private static let patience = Duration.seconds(2)
    /// The longest manifest that is read, in bytes.
    private static let longest = 64 << 10

    private init() {}

    /// What of a user's VM is believed.
    struct Machine {
        /// Its QEMU.
        var process: ProcessIdentity
        /// The usual places of the user who runs it.
        var place: Paths
        /// Whether its run-time files are in others, which only that user knows.
        var isElsewhere = false
    }

    /// The VM of a params file, as run by the user who owns that file; nil where nothing shows that it runs.
    ///
    /// - Parameter disks: is asked for its disks only where its run-time files are not where they usually are.
    func machine(of name: VMName, _ file: FilePath, disks: () -> [FilePath]) -> Machine? {
        guard let owner = (try? status(of: file))?.st_uid, owner != 0 else { return nil }
        let place = Paths.ofUser(owner)
        if let machine = machine(of: name, file, in: place, owner) { return machine }
        // Of a user's XDG_RUNTIME_DIR and KVMCTL_RUN only that user knows.
        let process = try? StrayMachine.holding(disks: disks, of: name, owner: owner)
        return process.map { Machine(process: $0, place: place, isElsewhere: true) }
    }

    private func machine(of name: VMName, _ file: FilePath, in place: Paths, _ owner: UInt32) -> Machine? {
        let directory = place.machine(name)
        guard let signature = read(directory.appending("process"), of: owner, limit: 128),
            let process = ProcessIdentity(String(decoding: signature.bytes, as: UTF8.self)),
            Self.isQEMU(process, of: owner)
        else { return nil }
        let manifest = read(directory.appending("manifest.json"), of: owner, limit: Self.longest)
            .flatMap { Manifest($0.bytes) }
        return manifest.map { isSame($0.file, file) } ?? true ? Machine(process: process, place: place) : nil
    }

    private func read(_ file: FilePath, of owner: UInt32, limit: Int) -> RemoteReader.Seen? {
        let seen = timed { try? reader.read(file, limit: limit, followsLinks: false) }
        guard let seen, seen.status.st_uid == owner, seen.status.st_mode & S_IFMT == S_IFREG else { return nil }
        return seen
    }

    /// - Parameter told: leads wherever that user wants.
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
