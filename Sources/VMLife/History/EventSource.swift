import Glibc
import SystemPackage
import VMCore
import VMHost

/// Reads what happened to a VM, and goes on reading as more happens, in this run and the next ones.
package final class EventSource {
    /// The VM.
    package let vm: Machine
    /// nil: it was never started.
    private var record: LogReader?
    /// The beginning of a line that is not complete yet.
    private var line: [UInt8] = []
    /// The history as it was last read, and which file that was.
    private var history: [VMEvent] = []
    private var historyVersion: timespec?

    /// The longest line that is read, in bytes.
    private static let longest = 1 << 20

    /// - Throws: `.denied` if another user runs the VM.
    fileprivate init(_ vm: Machine) throws(VMError) { self.vm = try vm.seenWhereItRuns() }

    /// What happened so far, in order: in the last run and the one before all that QEMU recorded, in earlier ones what a
    /// history tells of.
    package func past() throws(VMError) -> [VMEvent] {
        let path = vm.paths.record(vm.name)
        var events: [VMEvent] = []
        do throws(Errno) {
            events = RecordedEvents(try readOwnFile(RunLog.previous(path), limit: .max)).all
        } catch .noSuchFileOrDirectory {} catch { throw .system(error, path.string, "can't be read") }
        let recent = try more()
        return (history + events + recent.filter { $0.source == .qemu }).inOrder
    }

    /// What happened since the last call.
    package func more() throws(VMError) -> [VMEvent] {
        (try newsOfHistory() + newsOfRecord()).inOrder
    }

    private func newsOfHistory() throws(VMError) -> [VMEvent] {
        let path = vm.paths.history(vm.name)
        do throws(Errno) {
            guard let found = try status(of: path)?.st_mtim,
                found.tv_sec != historyVersion?.tv_sec || found.tv_nsec != historyVersion?.tv_nsec
            else { return [] }
            historyVersion = found
            let known = history
            history = try HistoryFile(vm).events()
            // QEMU's own events come from its record.
            return history.filter { $0.source == .kvmctl && !known.contains($0) }
        } catch { throw .system(error, path.string, "can't be read") }
    }

    private func newsOfRecord() throws(VMError) -> [VMEvent] {
        if record == nil {
            guard (try? isThere(vm.paths.record(vm.name))) == true else { return [] }
            record = try LogReader(.record, of: vm)
        }
        var events: [VMEvent] = []
        while let bytes = try record?.next(), !bytes.isEmpty {
            line += bytes
            guard let end = line.lastIndex(of: UInt8(ascii: "\n")) else {
                // No event is that long; what comes next is read as a new line.
                if line.count > Self.longest { line = [] }
                continue
            }
            events += RecordedEvents(Array(line[...end])).all
            line.removeSubrange(...end)
        }
        return events
    }
}

extension Machine {
    /// What happens to the VM, from the first thing that is recorded.
    package func events() throws(VMError) -> EventSource { try EventSource(self) }

    /// What happened to the VM, as far as a history tells of it, in order.
    ///
    /// - Throws: `.notFound` if it was never started; `.denied` if another user runs it; why it can't be read.
    package func told() throws(VMError) -> [VMEvent] {
        let vm = try seenWhereItRuns()
        let path = vm.paths.record(name)
        do throws(Errno) {
            var recent: [UInt8] = []
            do throws(Errno) { recent = try readTail(path, limit: 4 << 20) } catch .noSuchFileOrDirectory {}
            let events = (try HistoryFile(vm).events() + RecordedEvents(recent).told).inOrder
            guard events.isEmpty else { return events }
        } catch { throw .system(error, path.string, "can't be read") }
        throw VMError(
            .notFound, name.description, "was never started", remedy: "its history begins with its first start")
    }
}

extension Site {
    /// The VMs that were ever started here.
    ///
    /// - Throws: why they can't be listed.
    package func everLogged() throws(VMError) -> [Machine] {
        do throws(Errno) {
            return (try names(in: paths.log) ?? []).compactMap { VMName($0) }
                .map { Machine(name: $0, file: "", site: self) }
        } catch { throw .system(error, paths.log.string, "can't tell which VMs there were") }
    }
}
