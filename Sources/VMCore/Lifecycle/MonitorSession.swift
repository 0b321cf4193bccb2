import SystemPackage

/// The VM's QMP socket, held for a short conversation: it serves one client at a time, so its lock comes first.
struct MonitorSession: ~Copyable {
    private let turn: ByteLockFile
    private var client: QMPClient

    private init(turn: consuming ByteLockFile, client: consuming QMPClient) {
        self.turn = turn
        self.client = client
    }

    /// Why a conversation did not come about, or broke off.
    enum Failure: Error {
        /// Another command keeps the socket.
        case taken
        /// The file of turns can't be used: a reason on our side, which says nothing of QEMU.
        case turns(VMError)
        /// QEMU's side.
        case qemu(QMPClient.Failure)
    }

    /// Waits for the socket to be free, connects and negotiates.
    static func open(_ directory: RuntimeDirectory, by deadline: Deadline) throws(Failure) -> MonitorSession {
        let taken: ByteLockFile?
        do throws(VMError) { taken = try takeTurn(directory, by: deadline) } catch { throw .turns(error) }
        guard let turn = taken else { throw .taken }
        let socket = try connect(directory, by: deadline)
        do throws(QMPClient.Failure) {
            return MonitorSession(turn: turn, client: try QMPClient(socket, by: deadline))
        } catch {
            throw .qemu(error)
        }
    }

    /// Carries out a command.
    @discardableResult
    mutating func execute(_ command: QMPCommand, by deadline: Deadline) throws(Failure) -> JSON {
        do throws(QMPClient.Failure) { return try client.execute(command, by: deadline) } catch { throw .qemu(error) }
    }

    private static func takeTurn(_ directory: RuntimeDirectory, by deadline: Deadline) throws(VMError) -> ByteLockFile?
    {
        let turn = try directory.openTurns()
        return try turn.wait(for: .monitor, of: directory, by: deadline) ? consume turn : nil
    }

    private static func connect(
        _ directory: RuntimeDirectory, by deadline: Deadline
    ) throws(Failure) -> OwnedDescriptor {
        while true {
            do throws(Errno) { return try directory.connect(.monitor) } catch .resourceTemporarilyUnavailable {
                // The backlog is full of clients that left: QEMU has not looked for long, and may yet.
                guard !deadline.hasPassed else { throw .qemu(.silent) }
                pause(.milliseconds(20))
            } catch {
                throw .qemu(.system(error))
            }
        }
    }
}

extension MonitorSession.Failure {
    /// The failure as one of a command about this VM.
    func error(of name: VMName) -> VMError {
        switch self {
        case .taken:
            return VMError(
                .busy, name.description, "another command is talking to its monitor",
                remedy: "try again in a moment")
        case .turns(let error): return error
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
