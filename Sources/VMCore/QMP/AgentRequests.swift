import BridgeNet

// The commands of the guest agent that kvmctl sends (QEMU, docs/interop/qemu-ga-ref), by what they return. The guest
// controls every reply.

extension QMPRequest<Int64> {
    /// Has the agent discard what it has read in part, and return `number` after a delimiter.
    package static func synchronize(_ number: Int64) -> Self {
        .init("guest-sync-delimited", ["id": .integer(number)]) { $0.integer }
    }

    /// Freezes the guest's file systems, and returns how many.
    package static var freeze: Self { .init("guest-fsfreeze-freeze", read: count) }

    /// The time by the guest's clock, in nanoseconds since the epoch.
    package static var time: Self { .init("guest-get-time") { $0.integer } }

    /// Thaws the guest's file systems, and returns how many.
    package static var thaw: Self { .init("guest-fsfreeze-thaw", read: count) }

    private static func count(_ reply: JSON) -> Int64? { reply.integer(in: 0...Int.max).map { Int64($0) } }
}

extension QMPRequest<Void> {
    /// Has the guest's own init shut it down. There is no reply if that works.
    package static var shutDown: Self { .init("guest-shutdown", ["mode": "powerdown"]) }

    /// Sets the guest's clock, and the battery-backed one by it.
    ///
    /// - Parameter nanoseconds: since the epoch.
    package static func setTime(_ nanoseconds: Int64) -> Self {
        .init("guest-set-time", ["time": .integer(nanoseconds)])
    }
}

/// Whether the guest's file systems are frozen, in the agent's words (GuestFsfreezeStatus).
package enum FreezeState: String, Sendable { case frozen, thawed }

extension QMPRequest<FreezeState> {
    /// The state of the guest's file systems.
    package static var freezeState: Self { .init("guest-fsfreeze-status") { $0.string.flatMap(FreezeState.init) } }
}

/// What became of a file system of the guest that was to be trimmed (GuestFilesystemTrimResult).
package struct FileSystemTrim: Equatable, Sendable {
    /// Where it is mounted.
    package let path: String
    /// How much was discarded; nil if the agent does not say, as in Windows.
    package let size: ByteCount?
    /// Why it was not trimmed.
    package let error: String?
}

extension QMPRequest<[FileSystemTrim]> {
    /// Has the guest discard the blocks that its file systems don't use.
    package static var trim: Self {
        .init("guest-fstrim") { reply in
            guard let paths = reply["paths"]?.array else { return nil }
            let trims = paths.compactMap { one -> FileSystemTrim? in
                guard let path = one["path"]?.string else { return nil }
                let size = one["trimmed"]?.integer(in: 0...Int.max).map { ByteCount(bytes: Int64($0)) }
                guard size != nil || one["trimmed"] == nil else { return nil }
                return FileSystemTrim(path: path, size: size, error: one["error"]?.string)
            }
            return trims.count == paths.count ? trims : nil
        }
    }
}

extension QMPRequest<[AgentInterface]> {
    /// The guest's network interfaces.
    package static var interfaces: Self {
        .init("guest-network-get-interfaces") { $0.array?.map { AgentInterface($0) } }
    }
}

// What is executed in the guest, and the files that it goes through. A path of the guest is the caller's, or kvmctl's own.

extension QMPRequest<Int64> {
    /// Executes a program, and returns its pid.
    ///
    /// - Parameters:
    ///   - input: what it reads; nil: /dev/null.
    ///   - keepsOutput: whether the agent keeps what it writes, up to 16 MB of each stream; else that is discarded.
    package static func execute(
        _ path: String, _ arguments: [String], input: [UInt8]? = nil, keepsOutput: Bool = false
    ) -> Self {
        var members: [String: JSON] = [
            "path": .string(path), "arg": .array(arguments.map(JSON.string)), "capture-output": .bool(keepsOutput),
        ]
        if let input { members["input-data"] = .string(Base64.encode(input)) }
        return .init("guest-exec", members) { $0["pid"]?.integer }
    }

    /// Opens a file, and returns its handle. An agent that makes it lets everybody read and write it.
    ///
    /// - Parameter mode: as of fopen(3).
    package static func openFile(_ path: String, mode: String) -> Self {
        .init("guest-file-open", ["path": .string(path), "mode": .string(mode)]) { $0.integer }
    }

    /// Writes bytes, and returns how many were written.
    package static func write(_ bytes: some RandomAccessCollection<UInt8>, to handle: Int64) -> Self {
        .init("guest-file-write", ["handle": .integer(handle), "buf-b64": .string(Base64.encode(bytes))]) {
            $0["count"]?.integer
        }
    }
}

extension QMPRequest<Void> {
    /// Closes a file.
    package static func close(_ handle: Int64) -> Self { .init("guest-file-close", ["handle": .integer(handle)]) }

    /// Has what was written reach the file.
    package static func flush(_ handle: Int64) -> Self { .init("guest-file-flush", ["handle": .integer(handle)]) }

    /// Has the next read begin here.
    package static func seek(_ handle: Int64, to offset: Int64) -> Self {
        .init("guest-file-seek", ["handle": .integer(handle), "offset": .integer(offset), "whence": "set"])
    }
}

extension QMPRequest<[UInt8]> {
    /// Reads at most `count` bytes, and no more than there are.
    package static func read(_ handle: Int64, count: Int) -> Self {
        .init("guest-file-read", ["handle": .integer(handle), "count": .integer(Int64(count))]) { reply in
            reply["buf-b64"]?.string.flatMap(Base64.decode).flatMap { $0.count <= count ? $0 : nil }
        }
    }
}

/// What became of a program that was executed (GuestExecStatus).
package enum ExecutionStatus: Equatable, Sendable {
    case running
    /// It has ended with this code, or as a shell has it by a signal: 128 and the signal's number. The agent forgets it
    /// with that.
    case ended(code: Int32, output: ExecutionOutput)
}

/// What a program wrote, if the agent was to keep that.
package struct ExecutionOutput: Equatable, Sendable {
    package var output: [UInt8] = []
    package var errors: [UInt8] = []
    /// Whether that was more than the agent keeps.
    package var isCut = false

    package init() {}

    /// Reads it from the agent's answer; nil if that makes no sense.
    fileprivate init?(_ reply: JSON) {
        for (key, stream) in [("out-data", \Self.output), ("err-data", \Self.errors)] {
            guard let text = reply[key]?.string else { continue }
            guard let bytes = Base64.decode(text) else { return nil }
            self[keyPath: stream] = bytes
        }
        isCut = reply["out-truncated"]?.bool == true || reply["err-truncated"]?.bool == true
    }
}

extension QMPRequest<ExecutionStatus> {
    /// What became of a program.
    package static func executionStatus(_ pid: Int64) -> Self {
        .init("guest-exec-status", ["pid": .integer(pid)]) { reply in
            switch reply["exited"]?.bool {
            case false: .running
            case true:
                ExecutionOutput(reply).flatMap { output in
                    let code =
                        reply["signal"]?.integer(in: 1...127).map { 128 + $0 }
                        ?? reply["exitcode"]?.integer(in: 0...255)
                    return code.map { .ended(code: Int32($0), output: output) }
                }
            case nil: nil
            }
        }
    }
}
