import CLinux
import Glibc
import SystemPackage
import VMCore

/// A program to be started with exactly these descriptors and this user (CLinux, launch.h).
package struct Launch {
    var path: String
    /// Without the program's name.
    var arguments: [String]
    var credentials: ResolvedCredentials
    /// A file that the process writes its pid and start time to just before exec. The program does not inherit it.
    package var identity: FileDescriptor?
    /// Whether the program is killed when this process ends.
    package var diesWithParent = false
    /// Whether it runs with this process's identity, whatever the credentials: for a tool that works for root.
    package var keepsPrivileges = false
    /// Whether it keeps this process's limits and priorities: those that the service manager set are intended.
    package var keepsLimits = false
    /// The most address space, in bytes, and processor time, in seconds, that it may take; 0: any.
    package var bounds: (memory: UInt64, time: UInt64) = (0, 0)
    /// The CPUs that it may run on; nil: all that it would have anyway.
    package var cpus: CPUSet?
    /// A copy of mounts (CLinux, shared_tree.h) that it finds in place of a directory; nil: it sees the host's mounts.
    package var tree: (copy: FileDescriptor, place: String)?
    private var sources: [CInt] = []
    private var targets: [CInt] = []

    package init(path: String, arguments: [String], credentials: ResolvedCredentials) {
        self.path = path
        self.arguments = arguments
        self.credentials = credentials
    }

    /// An error, and the step in which it occurred.
    package struct Failure: Error, Equatable {
        package var stage: Stage
        package var errno: Errno
    }

    /// A step of a launch.
    package enum Stage: Equatable, Sendable {
        case fork
        case descriptors
        case identity
        case processors
        case tree
        case credentials
        case exec
    }

    /// Lets the program inherit a descriptor under another number. The caller still owns it, and keeps it open until
    /// then.
    package mutating func pass(_ descriptor: FileDescriptor, as target: CInt) {
        sources.append(descriptor.rawValue)
        targets.append(target)
    }

    /// Starts the program as a child in a new session. Throws `.timedOut` if it is not executed by the deadline.
    package func spawn(by deadline: Deadline) throws(Failure) -> Child {
        Child(pid: try withLaunch({ clinux_spawn($0, deadline.milliseconds, $1, nil) }).get())
    }

    /// The same; the program ends with this process until its guard is called off.
    package func spawn(by deadline: Deadline, guardedBy end: inout EndGuard?) throws(Failure) -> Child {
        var line: CInt = -1
        let pid = try withLaunch({ clinux_spawn($0, deadline.milliseconds, $1, &line) }).get()
        end = EndGuard(line: line)
        return Child(pid: pid)
    }

    /// Replaces this process with the program. Returns only if that failed.
    ///
    /// - Parameter undo: run then by a copy of this process, since this one has no privileges left.
    package func become(orElse undo: @escaping () -> Void) -> Failure {
        let line = UndoGuard.leave(undo)
        guard line >= 0 else { return Failure(stage: .fork, errno: Errno(rawValue: -line)) }
        let result = withLaunch { clinux_become($0, $1) }
        clinux_call_guard(line, 5000)
        return switch result {
        case .failure(let failure): failure
        case .success: Failure(stage: .exec, errno: .invalidArgument)
        }
    }

    /// Starts a process with these credentials that finds out what it can do on this host. It runs in the background.
    package func beginTrial() -> Trial {
        Trial(pid: withLaunch { launch, _ in clinux_probe_begin(launch) }.mapError(\.errno))
    }

    /// A process that tries what it can do.
    package struct Trial: ~Copyable {
        fileprivate let pid: Result<CInt, Errno>

        /// Waits for the result: an OR of CLINUX_CAN_….
        package consuming func finish() throws(Errno) -> CInt {
            let abilities = clinux_probe_end(try pid.get(), Deadline(in: .seconds(10)).milliseconds)
            guard abilities >= 0 else { throw Errno(rawValue: -abilities) }
            return abilities
        }
    }

    private func withLaunch(
        _ body: (UnsafePointer<clinux_launch>, UnsafeMutablePointer<clinux_stage>) -> CInt
    ) -> Result<CInt, Failure> {
        var words: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) } + [nil]
        var environment: [UnsafeMutablePointer<CChar>?] = Self.environment.map { strdup($0) } + [nil]
        let place = tree.map { strdup($0.place) } ?? nil
        defer { (words + environment + [place]).forEach { free($0) } }
        let mask = cpus?.mask ?? []
        var stage = CLINUX_STAGE_FORK
        let result = path.withCString { path in
            credentials.groups.withUnsafeBufferPointer { groups in
                sources.withUnsafeBufferPointer { sources in
                    targets.withUnsafeBufferPointer { targets in
                        words.withUnsafeMutableBufferPointer { words in
                            environment.withUnsafeMutableBufferPointer { environment in
                                var launch = clinux_launch(
                                    path: path, argv: words.baseAddress, envp: environment.baseAddress,
                                    sources: sources.baseAddress, targets: targets.baseAddress,
                                    descriptors: sources.count, identity: identity?.rawValue ?? -1,
                                    change_user: credentials.changesUser, uid: credentials.uid, gid: credentials.gid,
                                    groups: groups.baseAddress, group_count: groups.count,
                                    dies_with_parent: diesWithParent, keeps_privileges: keepsPrivileges,
                                    keeps_limits: keepsLimits, memory: bounds.memory, processor_time: bounds.time,
                                    processors: nil, processors_size: 0,
                                    tree: tree?.copy.rawValue ?? -1, tree_place: place)
                                guard cpus != nil else { return body(&launch, &stage) }
                                return mask.withUnsafeBufferPointer { mask in
                                    (launch.processors, launch.processors_size) = (mask.baseAddress, mask.count)
                                    return body(&launch, &stage)
                                }
                            }
                        }
                    }
                }
            }
        }
        guard result < 0 else { return .success(result) }
        return .failure(Failure(stage: Stage(stage), errno: Errno(rawValue: -result)))
    }

    /// None of the caller's environment reaches QEMU: a VM depends on its file alone.
    private static let environment = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"]
}

extension Launch.Stage {
    fileprivate init(_ stage: clinux_stage) {
        self =
            switch stage {
            case CLINUX_STAGE_FORK: .fork
            case CLINUX_STAGE_DESCRIPTORS: .descriptors
            case CLINUX_STAGE_IDENTITY: .identity
            case CLINUX_STAGE_PROCESSORS: .processors
            case CLINUX_STAGE_TREE: .tree
            case CLINUX_STAGE_CREDENTIALS: .credentials
            default: .exec
            }
    }
}

extension Launch.Failure {
    /// The failure as an error about the program.
    package func error(of program: String) -> VMError {
        let step =
            switch stage {
            case .fork: "make a process"
            case .descriptors: "arrange its descriptors"
            case .identity: "write its pid down"
            case .processors: "be bound to the CPUs of CPUSET"
            case .tree: "be shown the shared directory alone"
            case .credentials: "drop its privileges"
            case .exec: "execute it"
            }
        return .system(errno, program, "can't \(step)")
    }
}

/// The task of the copy of this process that is left behind (CLinux, undo_guard.h).
private final class UndoGuard {
    private let undo: () -> Void

    private init(_ undo: @escaping () -> Void) { self.undo = undo }

    /// The descriptor to call it by, or -errno.
    static func leave(_ undo: @escaping () -> Void) -> CInt {
        let box = UndoGuard(undo)
        // Used only in the copy, which is made during this call.
        return withExtendedLifetime(box) {
            clinux_leave_guard(
                { context in
                    if let context { Unmanaged<UndoGuard>.fromOpaque(context).takeUnretainedValue().undo() }
                }, Unmanaged.passUnretained(box).toOpaque())
        }
    }
}

/// Credentials with every id known.
package struct ResolvedCredentials: Hashable {
    var changesUser = false
    var uid: UInt32 = 0
    var gid: UInt32 = 0
    var groups: [UInt32] = []

    package init(changesUser: Bool = false, uid: UInt32 = 0, gid: UInt32 = 0, groups: [UInt32] = []) {
        self.changesUser = changesUser
        self.uid = uid
        self.gid = gid
        self.groups = groups
    }
}

extension Credentials {
    /// - Parameter uid: used if the VM gets its own uid.
    package func resolved(uid: UInt32) -> ResolvedCredentials {
        switch self {
        case .caller: ResolvedCredentials()
        case .ownUID(let groups): ResolvedCredentials(changesUser: true, uid: uid, gid: uid, groups: groups)
        case .user(_, let uid, let gid, let groups):
            ResolvedCredentials(changesUser: true, uid: uid, gid: gid, groups: groups)
        }
    }

    /// The account that owns no files.
    package static let nobody = Credentials.user("nobody", uid: 65534, gid: 65534, groups: [])

    /// For testing what such a user can do: one uid of the range stands for all.
    package var forProbing: ResolvedCredentials { resolved(uid: UIDPool.first + UInt32(UIDPool.count) - 1) }
}

/// A child process.
package struct Child {
    let pid: pid_t

    /// How it ended.
    package enum End: Equatable {
        case exited(Int32)
        case killed(signal: Int32)
    }

    /// Kills it and its process group: it may be a script around the program. Its pid can't be reused until it is
    /// reaped.
    package func kill() { _ = Glibc.kill(-pid, SIGKILL) }

    /// Waits for the child to end, and reaps it; nil if the deadline passed first.
    @discardableResult
    package func reap(by deadline: Deadline) -> End? {
        var status: Int32 = 0
        guard clinux_reap(pid, deadline.milliseconds, &status) == 1 else { return nil }
        let signal = status & 0x7f
        return signal == 0 ? .exited(status >> 8 & 0xff) : .killed(signal: signal)
    }
}
