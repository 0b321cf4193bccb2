import BridgeKernel
import Glibc
import SystemPackage
import VMCore
import VMHost

/// Files of a guest, copied to the host. The guest may send anything: what it sends goes below the destination, and is only
/// what it was asked for.
package struct CopyingOut {
    private let tools: CopyTools
    private let sources: [String]
    private let destination: String
    private let options: CopyOptions
    private let trust: FileTrust
    private var result = CopyResult()
    private var progress = CopyProgress()

    /// - Parameter trust: whose directories may be written to.
    package init(
        _ sources: [String], of vm: Machine, to destination: String, _ options: CopyOptions, _ trust: FileTrust,
        watch: CopyWatch
    ) {
        (self.sources, self.destination) = (sources.map(CopyOperand.guestPath), destination)
        (self.options, self.trust) = (options, trust)
        tools = CopyTools(vm: vm, user: options.user, watch: watch)
    }

    /// A source, with what is there and where it goes.
    private struct Task {
        var source: [UInt8]
        var kind: Survey.Place.Kind
        var entries: [FileEntry]
        /// Whether its size says nothing.
        var isPseudo: Bool
        var tree: Tree
        /// Where it goes in that.
        var base: [UInt8]
    }

    /// Copies them.
    package mutating func run() throws(VMError) -> CopyResult {
        let (survey, failures) = try tools.survey(sources.map { Array($0.utf8) }, isTree: options.isRecursive)
        result.failures += failures
        let place = try HostDestination(destination, isForSeveral: sources.count > 1, trust)
        var tasks: [Task] = []
        for (source, seen) in zip(sources, survey.places) {
            do throws(VMError) {
                try refuse(source, seen)
                let (tree, base) = try place.target(for: source, isDirectory: seen.kind == .directory)
                tasks.append(
                    Task(
                        source: Array(source.utf8), kind: seen.kind, entries: seen.entries,
                        isPseudo: seen.pseudoFileSystem != nil, tree: tree, base: base))
            } catch {
                guard sources.count > 1 else { throw error }
                result.failures.append(error)
            }
        }
        for (source, place) in zip(sources, survey.places) {
            result.failures += place.leftOut.map {
                let path = BytePath.shown(BytePath.join(Array(source.utf8), $0.path))
                return VMError(
                    .badData, "\(tools.vm.name):\(path)",
                    "was not copied: it is a \($0.kind) file system, whose files have no sizes to copy them by")
            }
        }
        progress.total = tasks.flatMap(\.entries).contentSize
        progress.isRenaming = !place.isDirectory && tasks.contains { $0.kind == .directory }
        try checkSpace(tasks)
        for task in tasks { try copy(task, survey.hasGNUTar) }
        return result
    }

    private func refuse(_ source: String, _ seen: Survey.Place) throws(VMError) {
        let subject = "\(tools.vm.name):\(source)"
        switch seen.kind {
        case .regular: return
        case .directory:
            if let name = seen.pseudoFileSystem, options.isRecursive {
                throw VMError(
                    .badData, subject, "is on a \(name) file system, whose files have no sizes to copy them by",
                    remedy: "name the files that are wanted")
            }
            guard !options.isRecursive else { return }
            throw VMError(.usage, subject, "is a directory", remedy: "copy it with what is in it: -r")
        case .missing:
            throw VMError(
                .notFound, subject, "the guest has no such file",
                remedy: source.contains { "*?[".contains($0) } ? "wildcards are not known here: name each file" : nil)
        case .brokenLink: throw VMError(.notFound, subject, "is a symbolic link that leads nowhere")
        case .denied: throw VMError(.denied, subject, "can't be read in the guest")
        case .special: throw VMError(.badData, subject, "is not a file: devices, FIFOs and sockets are not copied")
        case .endless:
            throw VMError(
                .badData, subject, "has no end: the kernel goes on with it as long as it is read",
                remedy: "run a command in the guest that reads what is wanted, by exec")
        }
    }

    private func checkSpace(_ tasks: [Task]) throws(VMError) {
        let needed = tasks.flatMap(\.entries).allocatedSize
        guard let tree = tasks.first?.tree, let space = FileSystemSpace(at: tree.path), needed > space.free.bytes else {
            return
        }
        throw VMError(
            .cannotCreate, tree.path.string,
            "\(ByteCount(bytes: needed)) are to be copied, and \(space.free) are free there",
            remedy: "free some space there")
    }

    private mutating func copy(_ task: Task, _ hasGNUTar: Bool?) throws(VMError) {
        guard task.kind == .directory else {
            guard var file = task.entries.first else { return }
            if task.isPseudo { file.size = 0 }
            return try copyLarge(file, from: task.source, to: task.base, in: task.tree)
        }
        var made: [FileEntry] = []
        for entry in task.entries where entry.kind == .directory {
            if try makeDirectory(BytePath.join(task.base, entry.path), in: task.tree) { made.append(entry) }
        }
        do throws(VMError) { try copyFiles(of: task, hasGNUTar) } catch {
            // What was copied is to be reached, too, and --resume finds the directories there.
            finish(made, of: task)
            throw error
        }
        finish(made, of: task)
    }

    private mutating func copyFiles(of task: Task, _ hasGNUTar: Bool?) throws(VMError) {
        let wanted = task.entries.filter { $0.kind != .directory && isWanted($0, in: task) }
        let (archived, large) = wanted.parted { entry in
            entry.kind == .regular && entry.size >= FileEntry.large && !(entry.isSparse && hasGNUTar == true)
        }
        try copyArchive(archived, of: task, hasGNUTar)
        for file in large {
            try copyLarge(
                file, from: BytePath.join(task.source, file.path), to: BytePath.join(task.base, file.path),
                in: task.tree)
        }
    }

    /// What is in a directory changes its time: this comes last.
    private mutating func finish(_ made: [FileEntry], of task: Task) {
        for directory in made.reversed() {
            let path = BytePath.join(task.base, directory.path)
            result.attempt(task.tree.shown(path)) { () throws(Errno) in
                try task.tree.finishDirectory(
                    path, permissions: directory.permissions, modified: directory.modified)
            }
        }
    }

    private mutating func makeDirectory(_ path: [UInt8], in tree: Tree) throws(VMError) -> Bool {
        do throws(Errno) {
            result.isSome = true
            return try tree.makeDirectory(path)
        } catch .fileExists {
            throw VMError(.cannotCreate, tree.shown(path), "is in the way: a directory is to be copied there")
        } catch { throw .system(error, tree.shown(path), "can't be made") }
    }

    /// Whether it has to be copied.
    private mutating func isWanted(_ entry: FileEntry, in task: Task) -> Bool {
        let path = BytePath.join(task.base, entry.path)
        guard entry.kind != .special else {
            let source = BytePath.shown(BytePath.join(task.source, entry.path))
            result.failures.append(.notCopied("\(tools.vm.name):\(source)"))
            return false
        }
        guard options.resumes else { return true }
        do throws(Errno) {
            guard let there = try task.tree.entry(at: path), entry.isCopied(as: there) else { return true }
            result.isSome = true
            progress.done += entry.size
            progress.kept += entry.size
        } catch { result.failures.append(.system(error, task.tree.shown(path), "was not copied")) }
        return false
    }

    /// Copies small files, which come as one archive.
    private mutating func copyArchive(_ entries: [FileEntry], of task: Task, _ hasGNUTar: Bool?) throws(VMError) {
        guard !entries.isEmpty else { return }
        guard let hasGNUTar else {
            throw VMError(.unavailable, tools.vm.name.description, "the guest has no tar, which copies directories")
        }
        let list = CopyScript.list(entries)
        let taker = ArchiveTaker(entries, into: task.tree, base: task.base)
        var progress = progress
        let before = progress.done
        let sum = try Checksum()
        let run = try tools.run(
            CopyScript.sendArchive,
            [CopyScript.argument(task.source), hasGNUTar ? "--format=gnu --sparse --hard-dereference" : ""],
            input: .whole(list), writesMuch: true,
            output: { [tools] (bytes) throws(VMError) in
                try sum.add(bytes)
                try taker.take(bytes)
                progress.done = before + taker.bytes
                progress.file = taker.current
                try tools.watch.note(progress)
            })
        self.progress = progress
        result.isSome = result.isSome || taker.hasFiles
        result.failures += taker.failures
        let own = try sum.finish()
        if let error = taker.finish(tarCode: run.notes["end"], messages: run.messages, of: tools.vm.name) {
            result.failures.append(error)
        }
        guard let theirs = run.sum, theirs == own else { throw tools.different(run, task.tree.path.string) }
    }

    /// Copies a file by itself. What concerns it alone does not end the copy.
    private mutating func copyLarge(
        _ file: FileEntry, from source: [UInt8], to path: [UInt8], in tree: Tree
    ) throws(VMError) {
        let taker: FileTaker
        do throws(VMError) { taker = try FileTaker(file, at: path, in: tree, resumes: options.resumes) } catch {
            return result.failures.append(error)
        }
        progress.file = BytePath.shown(source)
        progress.done += taker.start
        progress.kept += taker.start
        var progress = progress
        let before = progress.done - taker.start
        let run = try receive(file, source, from: taker.start) { [tools] (bytes) throws(VMError) in
            try taker.take(bytes)
            progress.done = before + taker.position
            try tools.watch.note(progress)
        }
        self.progress = progress
        guard run.code == 0 else {
            taker.discard()
            return result.failures.append(tools.failure(run, "\(BytePath.shown(source)) can't be read"))
        }
        guard try taker.isWhole(by: run.sum) else {
            taker.discard()
            return result.failures.append(tools.different(run, BytePath.shown(source)))
        }
        try taker.putInPlace()
        result.isSome = true
    }

    /// Has the guest send a file, from an offset on.
    private func receive(
        _ file: FileEntry, _ source: [UInt8], from start: Int64, take: @escaping ([UInt8]) throws(VMError) -> Void
    ) throws(VMError) -> CopyTools.Run {
        let path = CopyScript.argument(source)
        // What the kernel makes as it is read, as in /proc, has no size.
        let size = file.size == 0 ? "" : String(file.size)
        if tools.mayHold(file.size - start) {
            let held = HeldFile(.read(start..<file.size, take))
            let run = try tools.run(CopyScript.holdFile, [path, size], input: .after(held) { [] })
            if !held.isRefused { return run }
        }
        return try tools.run(
            CopyScript.sendFile, [path, String(start), size], writesMuch: file.size - start >= FileEntry.large,
            output: take)
    }
}
