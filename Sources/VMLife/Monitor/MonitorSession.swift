import BridgeKernel
import SystemPackage
import VMCore
import VMHost

/// A short session on the VM's QMP socket. QEMU serves one client at a time, so a lock is taken first.
struct MonitorSession: ~Copyable {
    private let lock: ByteLockFile
    private let directory: RuntimeDirectory
    private var client: QMPClient

    private init(lock: consuming ByteLockFile, _ directory: RuntimeDirectory, client: consuming QMPClient) {
        self.lock = lock
        self.directory = directory
        self.client = client
    }

    deinit { lock.giveBack(RuntimeDirectory.Lock.monitor.rawValue) }

    /// Why a session could not be opened, or broke off.
    enum Failure: Error {
        /// Another command holds the socket.
        case taken
        /// A failure on our side, which says nothing about QEMU: the locks file can't be used, no descriptor is left.
        case ours(VMError)
        /// A failure on QEMU's side.
        case qemu(QMPClient.Failure)
    }

    /// Waits for the socket to be free, connects and negotiates.
    ///
    /// - Parameter peer: a pidfd of QEMU that stays open as long as the session; -1: not known.
    static func open(
        _ directory: RuntimeDirectory, peer: CInt = -1, by deadline: Deadline
    ) throws(Failure) -> MonitorSession {
        let taken: ByteLockFile?
        do throws(VMError) { taken = try takeLock(directory, by: deadline) } catch { throw .ours(error) }
        guard let lock = taken else { throw .taken }
        let socket = try connect(directory, by: deadline)
        do throws(QMPClient.Failure) {
            return MonitorSession(lock: lock, directory, client: try QMPClient(socket, peer: peer, by: deadline))
        } catch {
            throw directory.judged(error)
        }
    }

    /// Executes a QMP command.
    ///
    /// - Parameter passed: a descriptor that QEMU is sent with the command.
    @discardableResult
    mutating func execute<Reply>(
        _ request: QMPRequest<Reply>, passing passed: CInt? = nil, by deadline: Deadline
    ) throws(Failure) -> Reply {
        do throws(QMPClient.Failure) { return try client.execute(request, passing: passed, by: deadline) } catch {
            throw directory.judged(error)
        }
    }

    private static func takeLock(_ directory: RuntimeDirectory, by deadline: Deadline) throws(VMError) -> ByteLockFile?
    {
        let lock = try directory.openLocks()
        return try lock.wait(for: .monitor, of: directory, by: deadline) ? consume lock : nil
    }

    private static func connect(
        _ directory: RuntimeDirectory, by deadline: Deadline
    ) throws(Failure) -> OwnedDescriptor {
        while true {
            do throws(Errno) { return try directory.connect(.monitor) } catch .resourceTemporarilyUnavailable {
                // The backlog is full of clients that have left: QEMU has accepted none for a while, but still may.
                guard !deadline.hasPassed else { throw directory.judged(.silent) }
                pause(.milliseconds(20))
            } catch .interrupted {
                guard !deadline.hasPassed else { throw directory.judged(.silent) }
            } catch {
                throw directory.judged(.system(error))
            }
        }
    }
}

extension RuntimeDirectory {
    /// Tells a failure of the monitor on our side from one on QEMU's, and lets a QEMU end that hangs at its end.
    fileprivate func judged(_ failure: QMPClient.Failure) -> MonitorSession.Failure {
        guard case .system(let errno) = failure, !errno.isPeers else {
            return .qemu(failure == .silent && letEnd() ? .closed : failure)
        }
        return .ours(.system(errno, name.description, "its monitor can't be used from here"))
    }
}

extension MonitorSession.Failure {
    /// The failure as an error about this VM.
    func error(of name: VMName) -> VMError {
        switch self {
        case .taken:
            return VMError(
                .busy, name.description, "another command is talking to its monitor",
                remedy: "try again in a moment")
        case .ours(let error): return error
        case .qemu(let failure):
            let code: VMError.Code =
                switch failure {
                case .silent: .timedOut
                case .closed, .system, .malformed: .unavailable
                case .refused: .busy
                }
            return VMError(code, name.description, failure.cause)
        }
    }
}

extension ByteLockFile {
    /// Takes one of its locks, retrying until the deadline; false if that passed first.
    func wait(
        for lock: RuntimeDirectory.Lock, of directory: RuntimeDirectory, by deadline: Deadline
    ) throws(VMError) -> Bool {
        // fcntl(2) can't wait for an OFD lock with a time limit, so retry, less and less often.
        var interval = Duration.milliseconds(1)
        while try !take(lock.rawValue, of: directory.locksFile) {
            if deadline.hasPassed { return false }
            pause(min(interval, deadline.remaining))
            interval = min(interval * 2, .milliseconds(20))
        }
        return true
    }
}

extension Errno {
    /// Whether a connection failed because of the other end: nothing listens there or under that name, it hung up, or
    /// it sent something that is not a reply. Any other error is on this side.
    fileprivate var isPeers: Bool {
        switch self {
        case .connectionRefused, .connectionReset, .brokenPipe, .socketNotConnected, .protocolWrongTypeForSocket,
            .noSuchFileOrDirectory, .notDirectory, .messageTooLong:
            true
        default: false
        }
    }
}
