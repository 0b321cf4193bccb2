import SystemPackage

/// The VM's QMP socket, held for a short conversation: it serves one client at a time, so its lock comes first.
struct MonitorSession: ~Copyable {
    let name: VMName
    private let turn: ByteLockFile
    var client: QMPClient

    private init(name: VMName, turn: consuming ByteLockFile, client: consuming QMPClient) {
        self.name = name
        self.turn = turn
        self.client = client
    }

    /// Waits for the socket to be free, connects and negotiates.
    ///
    /// - Throws: `.busy` if another command keeps the socket until the deadline; `.timedOut` if QEMU is silent;
    ///   `.unavailable` if it is gone.
    static func open(_ directory: RuntimeDirectory, by deadline: Deadline) throws(VMError) -> MonitorSession {
        let turn = try directory.openTurns()
        guard try turn.wait(for: .monitor, of: directory, by: deadline) else {
            throw VMError(
                .busy, directory.name.description, "another command is talking to its monitor",
                remedy: "try again in a moment")
        }
        let socket: OwnedDescriptor
        do throws(Errno) { socket = try directory.connect(.monitor) } catch {
            throw .system(error, directory.name.description, "can't reach QEMU's monitor")
        }
        do throws(QMPClient.Failure) {
            return MonitorSession(name: directory.name, turn: turn, client: try QMPClient(socket, by: deadline))
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
    /// Takes a turn, trying until the deadline; false where it passed first.
    func wait(
        for turn: RuntimeDirectory.Turn, of directory: RuntimeDirectory, by deadline: Deadline
    ) throws(VMError) -> Bool {
        // fcntl(2) can't wait for an OFD lock with a time limit, so look again, less and less often.
        var interval = Duration.milliseconds(1)
        while try !take(turn.rawValue, of: directory.turnsFile) {
            if deadline.hasPassed { return false }
            pause(min(interval, deadline.remaining))
            interval = min(interval * 2, .milliseconds(20))
        }
        return true
    }
}
