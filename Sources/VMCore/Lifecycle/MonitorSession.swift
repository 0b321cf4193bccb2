import SystemPackage

/// The VM's QMP socket, held for a short conversation: it serves one client at a time, so its lock comes first.
struct MonitorSession: ~Copyable {
    let name: VMName
    private let lock: ByteLockFile
    var client: QMPClient

    private init(name: VMName, lock: consuming ByteLockFile, client: consuming QMPClient) {
        self.name = name
        self.lock = lock
        self.client = client
    }

    /// Waits for the socket to be free, connects and negotiates.
    ///
    /// - Throws: `.busy` if another command keeps the socket until the deadline; `.timedOut` if QEMU is silent;
    ///   `.unavailable` if it is gone.
    static func open(_ directory: RuntimeDirectory, by deadline: Deadline) throws(VMError) -> MonitorSession {
        let lock = try directory.openLock()
        guard try lock.wait(for: .monitor, of: directory, by: deadline) else {
            throw VMError(
                .busy, directory.name.description, "another command is talking to its monitor",
                remedy: "try again in a moment")
        }
        let socket: OwnedDescriptor
        do throws(Errno) { socket = try directory.connect(.monitor) } catch {
            throw .system(error, directory.name.description, "can't reach QEMU's monitor")
        }
        do throws(QMPClient.Failure) {
            return MonitorSession(name: directory.name, lock: lock, client: try QMPClient(socket, by: deadline))
        } catch {
            throw VMError(error, of: directory.name)
        }
    }

    /// Carries out a command.
    mutating func execute(_ command: QMPCommand, by deadline: Deadline) throws(VMError) -> JSON {
        let name = name
        do throws(QMPClient.Failure) { return try client.execute(command, by: deadline) } catch {
            throw VMError(error, of: name)
        }
    }
}

extension VMError {
    init(_ failure: QMPClient.Failure, of name: VMName) {
        let code: Code =
            switch failure {
            case .silent: .timedOut
            case .closed, .system: .unavailable
            case .refused: .busy
            case .malformed: .bug
            }
        self.init(code, name.description, failure.cause)
    }
}

extension ByteLockFile {
    /// Takes a lock of the VM, trying until the deadline; false where it passed first.
    func wait(
        for lock: RuntimeDirectory.Lock, of directory: RuntimeDirectory, by deadline: Deadline
    ) throws(VMError) -> Bool {
        // fcntl(2) can't wait for an OFD lock with a time limit, so look again, less and less often.
        var interval = Duration.milliseconds(1)
        do throws(Errno) {
            while true {
                if try tryLock(lock.rawValue) { return true }
                if deadline.hasPassed { return false }
                pause(min(interval, deadline.remaining))
                interval = min(interval * 2, .milliseconds(20))
            }
        } catch {
            throw .system(error, directory.lockFile.string, "can't be locked")
        }
    }
}
