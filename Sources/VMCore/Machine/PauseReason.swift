/// Why QEMU itself halted a machine's processors.
package enum PauseReason: Equatable, Sendable {
    /// The host has no space left for what the guest writes to a disk.
    case noSpace(disk: String)
    /// The host could not read or write a disk; nil: which one, or why, is not known.
    case ioError(disk: String?, cause: String?)
    /// The guest's kernel panicked.
    case panic
    /// KVM or QEMU met a state that it can't go on from.
    case internalError
    /// The guest's watchdog expired.
    case watchdog

    /// The word for programs.
    package var word: String {
        switch self {
        case .noSpace: "noSpace"
        case .ioError: "ioError"
        case .panic: "panic"
        case .internalError: "internalError"
        case .watchdog: "watchdog"
        }
    }

    /// The disk that it is about, as in vm.params, if it is about one.
    package var disk: String? {
        switch self {
        case .noSpace(let disk): disk
        case .ioError(let disk, _): disk
        case .panic, .internalError, .watchdog: nil
        }
    }

    /// Whether the machine goes on by `cont` once the cause is gone. Otherwise only a reset helps.
    package var canBeResumed: Bool {
        switch self {
        case .noSpace, .ioError, .watchdog: true
        case .panic, .internalError: false
        }
    }

    /// What has to be done before the machine can go on.
    package var remedy: String {
        switch self {
        case .noSpace: "free some space on the file system that holds it"
        case .ioError: "see the host's kernel log (dmesg) about its storage, and mend that"
        case .panic, .internalError: "reset it with kvmctl reset, or stop it"
        case .watchdog: "look at its screen"
        }
    }

    /// How a VM of this name goes on.
    package func wayOn(of name: String) -> String {
        canBeResumed ? "\(remedy), then \(command: "kvmctl resume \(name)")" : remedy
    }
}

extension PauseReason: CustomStringConvertible {
    /// In a few words.
    package var description: String {
        switch self {
        case .noSpace(let disk): "no space left for \(disk)"
        case .ioError(let disk, let cause):
            "I/O error" + (disk.map { " on \($0)" } ?? "") + (cause.map { ": \($0)" } ?? "")
        case .panic: "the guest panicked"
        case .internalError: "internal error of KVM or QEMU"
        case .watchdog: "the guest's watchdog expired"
        }
    }
}

extension PauseReason {
    /// From a `BLOCK_IO_ERROR` that halted the machine (QEMU, qapi/block-core.json); nil for one that the guest was told.
    init?(blockError data: JSON) {
        guard data["action"]?.string == "stop" else { return nil }
        let disk = data["node-name"]?.string.flatMap(Self.key)
        if data["nospace"]?.bool == true {
            self = .noSpace(disk: disk ?? "a disk")
        } else {
            self = .ioError(disk: disk, cause: data["reason"]?.string.map { Printable.escaped($0) })
        }
    }

    /// The key of a disk, from the name of its uppermost node: `disk0-format` is that of `DISK0`.
    private static func key(ofNode name: String) -> String? {
        name.split(separator: "-").first.map { Printable.escaped($0.uppercased()) }
    }
}
