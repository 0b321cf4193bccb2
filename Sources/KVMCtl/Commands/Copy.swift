import ArgumentParser
import CLinux
import Glibc
import VMCore
import VMHost
import VMLife
import VMReports

/// `kvmctl cp`.
struct Copy: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cp", _superCommandName: Root.name,
        abstract: "Copy files between the host and a guest, through its agent.",
        discussion: """
            VM:PATH is a path in the guest; a relative one begins at the user's home directory. A path without VM: is on \
            the host: `kvmctl cp web.conf web:/etc/app/`, `kvmctl cp -r web:/etc/app conf`. As with cp(1), files are \
            copied into a directory that exists, and -r copies directories. Permissions and times are kept, less the \
            umask on the host; owner, set-uid and set-gid are not. Symbolic links are copied as links, sparse files stay \
            sparse, hard links become separate files. Copies are compared by SHA-256, and replace a file only when they \
            are complete. --resume continues a copy that was interrupted. The guest needs qemu-guest-agent, /bin/sh, \
            tar, and coreutils or busybox.
            """)

    @Flag(
        name: [.short, .long, .customShort("R"), .customShort("a"), .customLong("archive")],
        help: "Copy directories with what is in them.")
    var recursive = false

    @Flag(
        name: [.customShort("p"), .customLong("preserve")],
        help: "Keep permissions and times, which is done anyway. Owners are not kept.")
    var preserves = false

    @Flag(
        help: """
            Keep what is there with the same size and time, and continue files that were begun. Nothing else tells whether \
            such a file is the same.
            """)
    var resume = false

    @Option(
        name: .shortAndLong,
        help: "The guest's user who reads or gets the files. Default: root, as whom the agent runs.",
        transform: OptionValue.user)
    var user: String?

    @Argument(
        help: ArgumentHelp("What to copy, and where to: a path, or VM:PATH.", valueName: "path"), completion: .file())
    var operands: [String]

    func validate() throws {
        guard operands.count > 1 else {
            throw ValidationError("where to? kvmctl cp SOURCE DESTINATION, one of them as VM:PATH")
        }
    }

    private var sides: (sources: [CopyOperand], destination: CopyOperand) {
        get throws {
            guard let last = operands.last else { throw VMError(.bug, "cp", "has no operands") }
            return (try operands.dropLast().map { try CopyOperand($0) }, try CopyOperand(last))
        }
    }

    func run() throws {
        let (sources, destination) = try sides
        var options = CopyOptions()
        (options.isRecursive, options.resumes, options.user) = (recursive, resume, user)
        clinux_collect_signals()
        let meter = CopyMeter()
        // Ctrl-C ends all of it: what runs in the guest, too.
        let watch = CopyWatch(
            signal: { meter.signal }, isInterrupted: { meter.isInterrupted }, progress: { meter.show($0) })
        do {
            let result = try copy(sources, destination, options, watch)
            meter.clear()
            try report(result)
        } catch {
            meter.clear()
            guard let taken = meter.taken else { throw error }
            let goesOn: Remedy =
                meter.isRenaming
                ? .run("go on from here", ShellCommand(words: continuing))
                : "the same command with --resume goes on from here"
            Message.error(VMError(.busy, "cp", "interrupted", remedy: goesOn))
            throw GuestExit(code: 128 + taken)
        }
    }

    /// The command that continues a copy of a directory under a new name: what it holds goes into that.
    private var continuing: [String] {
        let words = ["kvmctl", "cp", "--resume", "-r"] + (user.map { ["--user", $0] } ?? [])
        return words + operands.dropLast().map { $0.hasSuffix("/") ? $0 + "." : $0 + "/." } + operands.suffix(1)
    }

    private func copy(
        _ sources: [CopyOperand], _ destination: CopyOperand, _ options: CopyOptions, _ watch: CopyWatch
    ) throws -> CopyResult {
        let guests = Set(sources.map(\.vm))
        switch (destination, guests.count, guests.first) {
        case (.guest(let vm, let path), 1, .some(nil)):
            let machine = try find(vm)
            var copying = CopyingIn(sources.map(\.path), to: machine, path, options, watch: watch)
            return try copying.run()
        case (.host(let path), 1, .some(let vm?)):
            let machine = try find(vm)
            var copying = CopyingOut(
                sources.map(\.path), of: machine, to: path, options, try Site.current.trust(), watch: watch)
            return try copying.run()
        case (.host, 1, _):
            throw VMError(.usage, "cp", "none of the paths is in a guest", remedy: "write such a path as VM:PATH")
        case (.guest, _, _):
            throw VMError(
                .usage, "cp", "from one guest to another, or within one, nothing is copied",
                remedy:
                    "copy it to the host first, or within one guest use its own cp, by exec; a file of the host whose name has a colon is written ./NAME"
            )
        case (.host, _, _):
            throw VMError(
                .usage, "cp", "the sources are not all in one guest", remedy: "copy them one guest after the other")
        }
    }

    private func find(_ vm: String) throws(VMError) -> Machine {
        do throws(VMError) {
            let machine = try Site.current.find(vm)
            try machine.refuseAnothers()
            return machine
        } catch {
            var error = error
            // Not by its path: what has a slash before its colon is none in a guest.
            if error.code == .notFound { error.remedy = .run("see all VMs", "kvmctl list") }
            throw error
        }
    }

    private func report(_ result: CopyResult) throws {
        for failure in result.failures.prefix(Self.mostFailures) { Message.error(failure) }
        if result.failures.count > Self.mostFailures {
            Message.note("\(result.failures.count - Self.mostFailures) more were not copied")
        }
        if let failed = SomeFailed(result.failures) {
            throw result.isSome ? SomeFailed(.partial) : failed
        }
    }

    private static let mostFailures = 20
}

extension CopyOperand {
    /// The VM; nil: the host.
    fileprivate var vm: String? {
        if case .guest(let vm, _) = self { return vm }
        return nil
    }

    fileprivate var path: String {
        switch self {
        case .host(let path): path
        case .guest(_, let path): path
        }
    }
}
