import Glibc
import SystemPackage
import VMCore
import VMHost

/// The serial console of a guest, as a line to a program there: what is sent, and what comes, each with a deadline.
final class SerialLine {
    let vm: Machine
    /// What the guest wrote, besides the frames of a script.
    private(set) var progress = BootProgress()
    /// Whether it goes on: QEMU lives, and the guest was not rebooted.
    private(set) var isLost = false

    private let relay: ConsoleRelay
    private let fate: GuestFate
    /// What came while something was sent.
    private var received: [UInt8] = []
    private var nextLook = Deadline(in: .zero)

    /// How long the guest may take to read what is sent.
    private static let patience = Duration.seconds(20)
    /// The most bytes that are read at a time.
    private static let piece = 16 << 10
    /// How much of the console's log tells what the guest was doing before.
    private static let past = 64 << 10

    /// Connects to the console.
    ///
    /// - Throws: `.busy` if somebody else has it, or the VM is not running.
    init(_ vm: Machine) throws(VMError) {
        guard let relay = try ConsoleRelay.connect(vm) else {
            throw VMError(
                .busy, vm.name.description, "its console is in use, by kvmctl console or another exec --serial",
                remedy: "leave that console (Ctrl-]), or wait for that command")
        }
        self.vm = vm
        self.relay = relay
        fate = GuestFate(vm)
        var log = try? LogReader(.console, of: vm, lastBytes: Self.past, followsNextRun: false)
        var rest = Self.past
        while rest > 0, let bytes = try? log?.next(), !bytes.isEmpty {
            progress.take(bytes)
            rest -= bytes.count
        }
    }

    /// Whether the VM's processors stand still, so that nobody in the guest can answer.
    var isPaused: Bool { vm.observe().state == .paused }

    /// Forgets what the guest wrote.
    func forget() { progress = BootProgress() }

    /// Takes in text that came as lines.
    func note(_ line: [UInt8]) { progress.take(line + [UInt8(ascii: "\n")]) }

    /// Sends a line, as its Enter key would end it.
    func send(_ line: some StringProtocol) throws(VMError) {
        var rest = (Array(line.utf8) + [UInt8(ascii: "\r")])[...]
        var deadline = Deadline(in: Self.patience)
        while !rest.isEmpty {
            try wait(for: POLLIN | POLLOUT, deadline.milliseconds)
            received += try receive()
            let count = rest.withUnsafeBytes {
                Glibc.send(relay.descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
            }
            if count > 0 { rest.removeFirst(count) } else if errno != EAGAIN, errno != EINTR { throw try end() }
            guard deadline.hasPassed else { continue }
            guard isPaused else { throw silence(as: "the guest does not read its console") }
            deadline = Deadline(in: Self.patience)
        }
    }

    /// Waits for what comes next; empty: nothing came in that time, or a signal did.
    ///
    /// - Parameter other: another stream to wait for; what comes there is left there.
    func read(in limit: Duration, besides other: CInt? = nil) throws(VMError) -> [UInt8] {
        if received.isEmpty {
            try wait(for: POLLIN, CInt(clamping: limit.wholeMilliseconds), besides: other)
            received = try receive()
        }
        defer { received = [] }
        try look()
        return received
    }

    /// The same, with what comes taken in as text.
    @discardableResult
    func listen(in limit: Duration) throws(VMError) -> Bool {
        let bytes = try read(in: limit)
        progress.take(bytes)
        return !bytes.isEmpty
    }

    /// The error that nobody answers any more.
    func silence(as cause: String) -> VMError {
        isLost = true
        if let reboot = fate.reboot(of: "the command") { return reboot }
        return deadEnd
            ?? VMError(
                .unavailable, vm.name.description, "\(cause); the command may still run there",
                remedy: "see what its console shows: \(command: "kvmctl logs \(vm.name)")")
    }

    /// What the guest itself says about its end.
    private var deadEnd: VMError? {
        guard case .deadEnd(let cause, let line, let advice) = SerialPrompt(progress, of: vm) else { return nil }
        return VMError(
            .unavailable, vm.name.description, "\(cause), and the command ended with that", remedy: .advice(advice),
            details: [SerialShell.shown(line)])
    }

    private func wait(for events: CInt, _ milliseconds: CInt, besides other: CInt? = nil) throws(VMError) {
        var set = [
            pollfd(fd: relay.descriptor, events: Int16(events), revents: 0),
            pollfd(fd: other ?? -1, events: Int16(POLLIN), revents: 0),
        ]
        if poll(&set, nfds_t(set.count), milliseconds) < 0, errno != EINTR {
            throw .system(Errno(rawValue: errno), vm.name.description, "lost its console")
        }
    }

    private func receive() throws(VMError) -> [UInt8] {
        var chunk = [UInt8](repeating: 0, count: Self.piece)
        let count = recv(relay.descriptor, &chunk, chunk.count, 0)
        if count > 0 { return Array(chunk[..<count]) }
        if count < 0, errno == EAGAIN || errno == EINTR { return [] }
        throw try end()
    }

    private func end() throws(VMError) -> VMError {
        isLost = true
        if let deadEnd { return deadEnd }
        return try fate.end(of: "the command", isNear: true) ?? silence(as: "its console was closed")
    }

    /// Sees whether the guest was rebooted, now and then.
    private func look() throws(VMError) {
        guard nextLook.hasPassed else { return }
        nextLook = Deadline(in: .milliseconds(300))
        if let reboot = fate.reboot(of: "the command") {
            isLost = true
            throw reboot
        }
    }
}

extension SerialPrompt {
    /// What the console of this VM asks for.
    init(_ progress: BootProgress, of vm: Machine) {
        self.init(progress, vm: vm.name.description, file: vm.file.string)
    }
}
