import BridgeKernel
import Glibc
import SystemPackage
import VMCore
import VMHost

/// Files of the host, copied into a guest.
package struct CopyingIn {
    private let tools: CopyTools
    private let sources: [String]
    private let destination: [UInt8]
    private let options: CopyOptions
    private var result = CopyResult()
    private var progress = CopyProgress()

    package init(
        _ sources: [String], to vm: Machine, _ destination: String, _ options: CopyOptions, watch: CopyWatch
    ) {
        (self.sources, self.options) = (sources, options)
        self.destination = Array(CopyOperand.guestPath(destination).utf8)
        tools = CopyTools(vm: vm, user: options.user, watch: watch)
    }

    /// Copies them.
    package mutating func run() throws(VMError) -> CopyResult {
        var tasks: [(source: HostSource, name: [UInt8])] = []
        for text in sources {
            do throws(VMError) {
                let source = try HostSource(text, isRecursive: options.isRecursive)
                result.failures += source.failures
                tasks.append((source, CopyOperand.name(of: text)))
            } catch {
                guard sources.count > 1 else { throw error }
                result.failures.append(error)
            }
        }
        guard !tasks.isEmpty else { return result }
        let place = try look(isForSeveral: sources.count > 1, isDirectory: tasks.contains { $0.source.isDirectory })
        progress.total = tasks.flatMap(\.source.entries).contentSize
        progress.isRenaming = !place.isDirectory && tasks.contains { $0.source.isDirectory }
        for (source, name) in tasks {
            let (directory, base) = place.isDirectory ? (place.path, name) : BytePath.split(place.path, from: ".")
            if source.isDirectory {
                try copy(source, to: directory, base)
            } else if let file = source.entries.first {
                try copyLarge(file, of: source.tree, to: BytePath.join(directory, base))
            }
        }
        return result
    }

    // The destination

    private struct Place {
        var path: [UInt8]
        var isDirectory: Bool
    }

    private func look(isForSeveral: Bool, isDirectory: Bool) throws(VMError) -> Place {
        var path = destination
        let asDirectory = path.last == UInt8(ascii: "/")
        while path.count > 1, path.last == UInt8(ascii: "/") { path.removeLast() }
        var said: [UInt8] = []
        let run = try tools.run(
            CopyScript.look, [CopyScript.argument(path)],
            output: { (bytes) throws(VMError) in said += bytes.prefix(8192) })
        guard run.code == 0, let found = said.first.flatMap({ CopyScript.Found(rawValue: Character(.init($0))) }) else {
            throw tools.failure(run, "the guest can't tell what is there")
        }
        let subject = "\(tools.vm.name):\(BytePath.shown(destination))"
        let parent = BytePath.split(path).directory
        switch found {
        case .directory: return Place(path: path, isDirectory: true)
        case .file, .link, .nothing:
            guard !isForSeveral, !asDirectory || isDirectory, !isDirectory || found == .nothing else {
                guard found == .nothing else {
                    throw VMError(
                        .notFound, subject, "is a file in the guest, not a directory",
                        remedy: "name a directory, or another name")
                }
                throw VMError(.notFound, subject, "the guest has no such directory", remedy: making(path))
            }
            // Where a link leads: it stays, and its file is replaced.
            if found == .link { path = Array(said.dropFirst(2).dropLast()) }
            return Place(path: path, isDirectory: false)
        case .danglingLink:
            throw VMError(
                .cannotCreate, subject, "is a symbolic link in the guest that leads nowhere",
                remedy: "name the file that it leads to, or remove the link")
        case .other:
            throw VMError(
                .cannotCreate, subject, "is not a regular file in the guest, and would be replaced",
                remedy: "name another file")
        case .noParent:
            // A directory that is copied is made there; for anything else it has to be there.
            let missing = isForSeveral || asDirectory && !isDirectory ? path : parent
            throw VMError(
                .notFound, subject, "the guest has no directory \(BytePath.shown(missing))", remedy: making(missing))
        case .otherParent:
            throw VMError(.notFound, subject, "in the guest, \(BytePath.shown(parent)) is not a directory")
        }
    }

    private func making(_ path: [UInt8]) -> Remedy {
        if path.first == UInt8(ascii: "~") {
            return "only ~/ is a home directory, that of --user: write the path of another user's"
        }
        let words = ["kvmctl", "exec"] + (options.user.map { ["--user", $0] } ?? []) + [tools.vm.name.description]
        let making = ["--", "mkdir", "-p", String(decoding: path, as: UTF8.self)]
        return .run("make it first", ShellCommand(words: words + making))
    }

    // A directory

    private mutating func copy(_ source: HostSource, to directory: [UInt8], _ base: [UInt8]) throws(VMError) {
        let there = options.resumes ? try filesThere(at: BytePath.join(directory, base)) : [:]
        // The destination itself stays as it is.
        let entries = source.entries.filter { !($0.path.isEmpty && base.isEmpty) }
        var wanted: [FileEntry] = []
        for entry in entries {
            if let copy = there[entry.path], entry.isCopied(as: copy) {
                result.isSome = true
                progress.done += entry.size
                progress.kept += entry.size
            } else {
                wanted.append(entry)
            }
        }
        try makeDirectories(entries.filter { $0.kind == .directory }, in: directory, base)
        let (archived, large) = wanted.parted { $0.kind == .regular && ($0.size >= FileEntry.large || $0.isSparse) }
        try copyArchive(try ArchiveGiver(archived, of: source.tree, base: base), to: directory)
        for file in large {
            try copyLarge(file, of: source.tree, to: BytePath.join(directory, BytePath.join(base, file.path)))
        }
        // Once all is in them.
        let directories = archived.filter { $0.kind == .directory }
        try copyArchive(
            try ArchiveGiver(directories.reversed(), of: source.tree, base: base, isFinal: true), to: directory)
    }

    private func makeDirectories(_ entries: [FileEntry], in directory: [UInt8], _ base: [UInt8]) throws(VMError) {
        guard !entries.isEmpty else { return }
        let paths = entries.map { entry in
            var named = entry
            named.path = BytePath.join(base, entry.path)
            return named
        }
        let run = try tools.run(
            CopyScript.makeDirectories, [CopyScript.argument(directory)], input: .whole(CopyScript.list(paths)))
        guard run.code == 0 else { throw tools.failure(run, "a directory can't be made in the guest") }
    }

    private func filesThere(at path: [UInt8]) throws(VMError) -> [[UInt8]: FileEntry] {
        let entries = try tools.survey([path], isTree: true).0.places.first?.entries ?? []
        return Dictionary(entries.map { ($0.path, $0) }) { first, _ in first }
    }

    private mutating func copyArchive(_ giver: ArchiveGiver, to directory: [UInt8]) throws(VMError) {
        guard !giver.isEmpty else { return }
        var progress = progress
        let before = progress.done
        let run = try tools.run(
            CopyScript.takeArchive, [CopyScript.argument(directory)],
            input: .produced { [tools] () throws(VMError) in
                let piece = try giver.produce()
                progress.done = before + giver.bytes
                progress.file = giver.current
                try tools.watch.note(progress)
                return piece
            })
        self.progress = progress
        result.failures += giver.failures
        guard run.code == 0 else {
            throw tools.failure(run, "tar failed in the guest, and some of the files are not copied")
        }
        guard let theirs = run.sum, theirs == (try giver.finish()) else {
            throw tools.different(run, "\(tools.vm.name):\(BytePath.shown(directory))")
        }
        result.isSome = result.isSome || giver.hasFiles
    }

    // A file by itself

    private mutating func copyLarge(_ file: FileEntry, of tree: Tree, to path: [UInt8]) throws(VMError) {
        let (directory, name) = BytePath.split(path)
        let part = BytePath.join(directory, BytePath.partName(of: name))
        let kept = options.resumes ? try begun(part) : 0
        let giver: FileGiver
        do throws(VMError) { giver = try FileGiver(file.path, in: tree, after: kept) } catch {
            return result.failures.append(error)
        }
        var progress = progress
        let before = progress.done
        progress.file = tree.shown(file.path)
        progress.kept += giver.position
        let words = CopyScript.takingFile(
            giver.entry, path: path, part: part, resumes: giver.position > 0, rest: giver.rest,
            compared: giver.compared)
        let run = try send(giver, words) { [tools] () throws(VMError) in
            progress.done = before + giver.position
            try tools.watch.note(progress)
        }
        self.progress = progress
        let subject = "\(tools.vm.name):\(BytePath.shown(path))"
        if run.notes["different"] != nil {
            result.failures.append(tools.different(subject))
        } else if run.notes["directory"] != nil {
            result.failures.append(
                VMError(.cannotCreate, subject, "is a directory in the guest: a file is to be copied there"))
        } else if run.code != 0 {
            let failure = tools.failure(run, "\(BytePath.shown(path)) can't be written in the guest")
            // All that follow would fail on a full disk, too.
            guard failure.code != .cannotCreate else { throw failure }
            result.failures.append(failure)
        } else {
            result.isSome = true
        }
    }

    /// Has the guest take a file, with these words for the script.
    private func send(
        _ giver: FileGiver, _ words: [String], note: @escaping () throws(VMError) -> Void
    ) throws(VMError) -> CopyTools.Run {
        if tools.mayHold(giver.left) {
            let held = HeldFile(
                .write { () throws(VMError) in
                    let piece = try giver.nextPiece()
                    try note()
                    return piece
                })
            let run = try tools.run(
                CopyScript.takeHeldFile, words,
                input: .after(held) { () throws(VMError) in
                    // What is there stays for --resume, unless the guest has no room for it.
                    if held.failure != nil || held.isRefused { return Array("again\n".utf8) }
                    return held.refusal == nil ? try giver.checksum() : Array("unwritten\n".utf8)
                })
            if !held.isRefused { return run }
        }
        return try tools.run(CopyScript.takeFile, words, input: try input(giver, note: note))
    }

    /// What is little goes with the command itself.
    private func input(
        _ giver: FileGiver, note: @escaping () throws(VMError) -> Void
    ) throws(VMError) -> CopyTools.Input {
        let produce = { () throws(VMError) -> [UInt8]? in
            let piece = try giver.produce()
            try note()
            return piece
        }
        guard giver.left < PieceSource.mostGiven - 128 else { return .produced(produce) }
        var all: [UInt8] = []
        while let piece = try produce() { all += piece }
        return .whole(all)
    }

    /// How much of a file is in the guest already.
    private func begun(_ part: [UInt8]) throws(VMError) -> Int64 {
        let place = try tools.survey([part], isTree: false).0.places.first
        guard place?.kind == .regular else { return 0 }
        return place?.entries.first?.size ?? 0
    }
}
