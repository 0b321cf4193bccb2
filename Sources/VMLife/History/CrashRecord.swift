import Glibc
import SystemPackage
import VMCore
import VMHost

/// How a QEMU ended, as its parent saw it.
package struct QEMUEnd: Equatable, Sendable {
    /// In words: `QEMU was killed by SIGSEGV`.
    package let words: String

    /// From the status of wait(2). nil if it was not QEMU's own end: kvmctl's failures have codes of sysexits(3).
    package init?(status: CInt) {
        let (signal, code) = (status & 0x7f, status >> 8 & 0xff)
        guard signal != 0 || (1..<64).contains(code) else { return nil }
        words = signal == 0 ? "QEMU ended with exit code \(code)" : "QEMU was killed by \(signalName(signal))"
    }

    /// From what a service manager tells (systemd.exec(5), EXIT_CODE and EXIT_STATUS); nil likewise.
    package init?(serviceExit code: String, status: String) {
        switch code {
        case "exited":
            guard let number = Int32(status), (1..<64).contains(number) else { return nil }
            words = "QEMU ended with exit code \(number)"
        case "killed", "dumped": words = "QEMU was killed by SIG\(status)"
        default: return nil
        }
    }
}

/// The records of a VM's crashes: a file each, beside its logs, at most five.
struct CrashRecord {
    private let vm: Machine
    /// When the run began.
    private let begun: Moment

    private static let most = 5
    private static let prefix = "crash-"

    /// The record of the last run, whether it was written or not; nil if that run never began.
    init?(_ vm: Machine) {
        guard let head = try? readOwnFile(vm.paths.record(vm.name), limit: FlightRecord.head),
            let first = RecordedEvents(head).told.first
        else { return nil }
        // A QEMU that a guest has taken over may say that it began in a year to come.
        (self.vm, begun) = (vm, Moment(microseconds: min(first.microseconds, Moment.now.microseconds)))
    }

    var path: FilePath { vm.paths.logs(vm.name).appending("\(Self.prefix)\(begun.fileName)") }

    /// The newest one; nil if there is none.
    static func newest(of vm: Machine) -> FilePath? { all(of: vm).last }

    /// Sorted by the time when the run began.
    private static func all(of vm: Machine) -> [FilePath] {
        let directory = vm.paths.logs(vm.name)
        return ((try? names(in: directory)) ?? []).filter { $0.hasPrefix(prefix) }.map { directory.appending($0) }
    }

    /// A panic that QEMU recorded.
    static let panic = "the guest's kernel panicked"

    /// Writes it, unless it is there. What its parent saw of the end is added to a record that was just written: who
    /// looked at the VM may have been quicker.
    ///
    /// - Parameters:
    ///   - cause: what the record tells of the end; nil: nothing.
    ///   - end: how QEMU ended; nil: nobody saw it.
    func write(_ cause: String?, _ end: QEMUEnd?) throws(VMError) {
        let seen = cause ?? end?.words
        do throws(Errno) {
            if let found = try status(of: path) {
                let age = Moment.now.microseconds / 1_000_000 - Int64(found.st_mtim.tv_sec)
                if end == nil || cause != nil || age > 60 { return }
            }
            try replaceFile(path, with: Array(text(seen).text.utf8), permissions: 0o640, group: Accounts.lookers)
        } catch { throw .system(error, path.string, "the crash of \(vm.name) can't be recorded") }
        for old in Self.all(of: vm).dropLast(Self.most) where old != path { removeFile(old) }
        var details: [String: JSON] = ["record": .string(path.string)]
        if let seen { details["end"] = .string(seen) }
        if cause == Self.panic, let words = vm.lastWords { details["cause"] = .string(words.cause) }
        vm.note(.crash, details, at: lastSign ?? .now)
    }

    private func text(_ seen: String?) -> CrashText {
        let paths = vm.paths
        func tail(_ path: FilePath) -> [UInt8] { (try? readTail(path, limit: CrashText.limit)) ?? [] }
        var facts = [
            ("VM", vm.name.description), ("params", vm.file.string), ("began", begun.utc),
            ("last sign of it", lastSign?.utc ?? "unknown"), ("found", Moment.now.utc),
            ("end", seen ?? "QEMU ended without recording why, and nobody saw how"),
        ]
        if let words = vm.lastWords {
            facts += [
                ("cause", words.cause), ("it said", words.line ?? ""), ("what to do", words.remedy.description),
            ]
        }
        let boot = Moment.ofBoot
        if let lastSign, lastSign.microseconds < boot.microseconds {
            facts.append(("note", "the host booted since, at \(boot.utc): it may have lost its power"))
        }
        return CrashText(
            facts: facts.map { (title: $0.0, value: $0.1) },
            command: (try? readOwnFile(paths.arguments(vm.name))).map { String(decoding: $0, as: UTF8.self) },
            events: tail(paths.record(vm.name)), messages: tail(paths.qemuLog(vm.name)),
            console: tail(paths.consoleLog(vm.name)))
    }

    /// When QEMU last wrote anything. A file's time lags some milliseconds behind the clock of events.
    private var lastSign: Moment? {
        let events = RecordedEvents((try? readTail(vm.paths.record(vm.name), limit: CrashText.limit)) ?? []).all
        let files = [vm.paths.record(vm.name), vm.paths.qemuLog(vm.name), vm.paths.consoleLog(vm.name)]
            .compactMap { try? status(of: $0) }
            .map { Int64($0.st_mtim.tv_sec) * 1_000_000 + Int64($0.st_mtim.tv_nsec) / 1000 }
        return (files + events.map { $0.microseconds + 1 }).max().map { Moment(microseconds: $0) }
    }
}

extension Machine {
    /// Records the VM's crash, if its last run crashed and this was not recorded.
    ///
    /// - Parameter end: how QEMU ended, if that was seen.
    /// - Throws: why it can't be recorded.
    package func keepCrash(_ end: QEMUEnd? = nil) throws(VMError) {
        let seen = observe()
        guard seen.state == .crashed, try lastOther() == nil else { return }
        try CrashRecord(self)?.write(seen.endReason == nil ? nil : CrashRecord.panic, end)
    }

    /// The record of its last crash; nil if there is none.
    package var crashRecord: FilePath? { CrashRecord.newest(of: self) }
}

extension Site {
    /// Records the crashes of the VMs that were started since boot, as far as nobody did.
    ///
    /// - Returns: why one can't be recorded.
    /// - Throws: why the VMs that were started can't be listed.
    package func keepCrashes() throws(VMError) -> [VMError] {
        try startedNames().map { Machine(name: $0, file: "", site: self) }.compactMap(keepCrash)
    }

    /// The same for VMs that were looked at, as far as they are the caller's own.
    package func keepCrashes(of entries: [VMEntry]) -> [VMError] {
        entries.filter { $0.state == .crashed && $0.place == paths }.compactMap { entry in
            VMName(entry.name).flatMap { keepCrash(of: Machine(name: $0, file: entry.file, site: self)) }
        }
    }

    private func keepCrash(of vm: Machine) -> VMError? {
        do throws(VMError) {
            guard vm.observe().state == .crashed else { return nil }
            try vm.at(vm.file.isEmpty ? vm.manifest()?.file ?? "" : vm.file).keepCrash()
            return nil
        } catch { return error }
    }
}
