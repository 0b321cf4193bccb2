import Glibc
import VMCore
import VMHost

/// The scripts of a copy, executed in the guest.
struct CopyTools {
    let vm: Machine
    /// The guest's user; nil: root.
    let user: String?
    let watch: CopyWatch

    /// What a script left.
    struct Run {
        var code: Int32
        /// What it said with `=` before it: `sum`, `end` and so on.
        var notes: [String: String]
        /// What its programs said.
        var messages: [String]

        /// The checksum that it made; nil: the guest can make none.
        var sum: String? { notes["sum"].flatMap { $0.isEmpty ? nil : $0 } }

        /// Takes apart what a script has said.
        init(code: Int32, said: [UInt8]) {
            self.code = code
            (notes, messages) = ([:], [])
            for line in String(decoding: said, as: UTF8.self).split(separator: "\n") {
                if line.first == "=",
                    let space = line.firstIndex(of: " ") ?? line.indices.last.map({ line.index(after: $0) })
                {
                    notes[String(line.dropFirst().prefix(upTo: space))] = String(line[space...].dropFirst())
                } else {
                    messages.append(String(line))
                }
            }
        }
    }

    /// What a script reads.
    enum Input {
        case none
        case whole([UInt8])
        /// Nil is its end.
        case produced(() throws(VMError) -> [UInt8]?)
        /// This, once the agent is done with a file that the script holds open.
        case after(HeldFile, () throws(VMError) -> [UInt8])
    }

    /// Runs a script to its end.
    ///
    /// - Parameters:
    ///   - writesMuch: whether its output is files.
    ///   - output: what takes its stdout; nil: its notes come there too.
    func run(
        _ script: String, _ arguments: [String], input: Input = .none, writesMuch: Bool = false,
        output: (([UInt8]) throws(VMError) -> Void)? = nil
    ) throws(VMError) -> Run {
        var command = GuestCommand(["/bin/sh", "-c", script, "kvmctl"] + arguments)
        command.user = user
        command.writesMuch = writesMuch
        var source: PieceSource?
        var file: HeldFile?
        switch input {
        case .none: break
        case .whole(let bytes) where bytes.count <= PieceSource.mostGiven: command.input = .given(bytes)
        case .whole(let bytes):
            var rest: [UInt8]? = bytes
            source = PieceSource {
                defer { rest = nil }
                return rest
            }
        case .produced(let produce): source = PieceSource(produce)
        case .after(let held, let produce):
            file = held
            var isLeft = true
            source = PieceSource {
                held.hasEnded
            } _: { () throws(VMError) in
                defer { isLeft = false }
                return isLeft ? try produce() : nil
            }
        }
        if source != nil { command.input = .pieces }
        var said: [UInt8] = []
        let hear = { (bytes: [UInt8]) throws(VMError) in
            // Of endless messages the first are enough.
            if said.count < Self.mostMessages { said += bytes }
            if let file, file.holder == nil, bytes.last == UInt8(ascii: "\n") {
                file.holder = Run(code: 0, said: said).notes["open"].flatMap { Int64($0) }
            }
        }
        let execution = try Executing(
            command, in: vm, input: source, output: OutputStream(output ?? hear), errors: OutputStream(hear),
            file: file)
        let code: Int32
        switch try execution.run(timeout: nil, signal: watch.signal) {
        case .exited(let ended): code = ended
        case .overran(let error): throw error
        }
        var run = Run(code: code, said: said)
        if let file {
            if let failure = file.failure { throw failure }
            file.refusal.map { run.messages.append($0) }
        }
        return run
    }

    private static let mostMessages = 64 << 10

    /// Whether the agent may read or write what a script holds open, so much of it: it does so as root, and the script
    /// itself is quicker with what is little.
    func mayHold(_ size: Int64) -> Bool { user == nil && size >= FileEntry.large }

    /// Asks what is at some paths.
    ///
    /// - Returns: that, and what could not be looked at.
    func survey(_ paths: [[UInt8]], isTree: Bool) throws(VMError) -> (Survey, failures: [VMError]) {
        var text: [UInt8] = []
        let words = [isTree ? "tree" : "one"] + paths.map(CopyScript.argument)
        let name = vm.name.description
        let run = try run(
            Survey.script, words,
            output: { (bytes) throws(VMError) in
                text += bytes
                guard text.count <= Survey.limit else {
                    throw VMError(
                        .unavailable, name, "there are too many files to copy at once", remedy: "copy them in parts")
                }
            })
        guard run.code == 0, let survey = Survey(text), survey.places.count == paths.count else {
            throw failure(run, "the guest can't tell what is there")
        }
        let failures = run.messages.isEmpty ? [] : [failure(run, "a part of what is to be copied can't be looked at")]
        return (survey, failures)
    }

    /// The refusal of a copy that is not what was copied.
    func different(_ run: Run, _ subject: String) -> VMError {
        guard run.sum != nil else {
            return VMError(
                .unavailable, vm.name.description, "the guest can't make a checksum of what was copied",
                remedy: "install coreutils in it, which has sha256sum", details: said(run))
        }
        return different(subject)
    }

    func different(_ subject: String) -> VMError {
        VMError(
            .unavailable, subject, "the checksums differ: it was changed while it was copied",
            remedy: "copy it again, without --resume")
    }

    private func said(_ run: Run) -> [String] {
        run.messages.prefix(3).map { "the guest says: \(Printable.foreign($0))" }
    }

    /// Why a script failed, in the words of the guest's programs.
    func failure(_ run: Run, _ cause: String) -> VMError {
        let said = run.messages.joined(separator: "\n")
        let code: VMError.Code =
            if said.contains("No space left") || said.contains("quota exceeded")
                || said.contains("Read-only file system")
            {
                .cannotCreate
            } else if said.contains("ermission denied") || said.contains("not permitted") {
                .denied
            } else if said.contains("No such file") {
                .notFound
            } else { .unavailable }
        return VMError(
            code, vm.name.description, cause,
            remedy: code == .cannotCreate
                ? "see how full its file systems are: \(command: "kvmctl exec \(vm.name) -- df -h")" : nil,
            details: self.said(run))
    }
}
