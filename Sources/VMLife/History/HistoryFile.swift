import BridgeKernel
import Glibc
import SystemPackage
import VMCore
import VMHost

/// What happened to a VM before its last run, and which commands were given: a file that only kvmctl writes.
///
/// QEMU has no descriptor of it, so a guest that has taken QEMU over forges nothing here. Of each run only the newest
/// events are taken over, so none can fill it.
struct HistoryFile {
    private let path: FilePath

    init(_ vm: Machine) { path = vm.paths.history(vm.name) }

    /// When it is longer than this, in bytes, its older half is dropped.
    private static let limit = 256 << 10

    /// Its events, in the order in which they were written.
    func events() throws(Errno) -> [VMEvent] {
        do throws(Errno) {
            return try readTail(path, limit: 2 * Self.limit).split(separator: UInt8(ascii: "\n")).compactMap {
                VMEvent(line: $0)
            }
        } catch .noSuchFileOrDirectory { return [] }
    }

    /// Adds events. A history that can't be written keeps no command from its work.
    func add(_ events: [VMEvent]) {
        guard !events.isEmpty, let file = try? RunLog.begin(path) else { return }
        try? writeAll(Array(events.map(\.line).joined().utf8), to: file.descriptor)
        guard let size = try? file.status().st_size, size > Self.limit else { return }
        // What another command adds at this very moment may be lost.
        guard let tail = try? readTail(path, limit: Self.limit / 2),
            let end = tail.firstIndex(of: UInt8(ascii: "\n"))
        else { return }
        try? replaceFile(path, with: Array(tail[(end + 1)...]), permissions: 0o640, group: Accounts.lookers)
    }
}

extension Machine {
    /// Records what a command does to the VM, and who gives the command.
    func note(_ deed: VMEvent.Deed, _ details: [String: JSON] = [:], at moment: Moment = .now) {
        let data = details.merging(["by": Caller.json]) { own, _ in own }
        HistoryFile(self).add([VMEvent(deed, at: moment.microseconds, data)])
    }

    /// Takes the last run's newest events over into the history, before its record is set aside.
    func keepRun() {
        guard let tail = try? readTail(paths.record(name), limit: 256 << 10) else { return }
        HistoryFile(self).add(RecordedEvents(tail).told.suffix(200))
    }
}

/// The events in a part of a flight record.
struct RecordedEvents {
    private let lines: [ArraySlice<UInt8>]

    /// - Parameter bytes: whole lines, apart from the first, which may be the end of one.
    init(_ bytes: [UInt8]) { lines = bytes.split(separator: UInt8(ascii: "\n")) }

    private static let words = VMEvent.told.map { Array("\"\($0)\"".utf8) }

    /// Those that a history tells of. Only lines that may be such events are parsed.
    var told: [VMEvent] {
        lines.filter { $0.hasAny(of: Self.words) }.compactMap(Self.event).filter { VMEvent.told.contains($0.name) }
    }

    /// All of them.
    var all: [VMEvent] { lines.compactMap(Self.event) }

    private static func event(_ line: ArraySlice<UInt8>) -> VMEvent? {
        if case .event(let event)? = QMPMessage(line: line) { VMEvent(event) } else { nil }
    }
}
