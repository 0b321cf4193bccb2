import Glibc
import SystemPackage
import VMCore
import VMHost

extension Site {
    /// Reads a params file.
    typealias Reader = (FilePath) throws(VMError) -> VMParams

    /// Resolves a word of the command line: a path if it contains a `/`, to a file or to a directory that holds
    /// `vm.params`; else a name, of a running VM first, then of one under the roots.
    ///
    /// - Parameter context: reads the files and caches them; nil: they are not needed again.
    /// - Throws: `.notFound` with the places that were searched; `.busy` if two files have the name; the error of
    ///   reading the file, if only the file tells the name; why a place where it may be can't be read.
    package func find(_ word: String, in context: PlanningContext? = nil) throws(VMError) -> Machine {
        try find(word, among: VMIndex(self, reading: reader(in: context)))
    }

    /// The same for several words. The VMs are read only once.
    package func find(_ words: [String], in context: PlanningContext? = nil) -> [Result<Machine, VMError>] {
        let index = VMIndex(self, reading: reader(in: context))
        return words.map { word in Result { () throws(VMError) in try find(word, among: index) } }
    }

    private func reader(in context: PlanningContext?) -> Reader {
        guard let context else { return { path throws(VMError) in try VMFile.glance(at: path) } }
        return { path throws(VMError) in try context.params(at: path) }
    }

    /// The same, among VMs that may have been read before.
    ///
    /// - Parameter index: nil: they are read for this.
    func find(_ word: String, among index: VMIndex?) throws(VMError) -> Machine {
        try find(word, among: index ?? VMIndex(self, reading: reader(in: nil)))
    }

    private func find(_ word: String, among index: VMIndex) throws(VMError) -> Machine {
        if Self.isPath(word) { return try find(path: absolutePath(word), among: index) }
        guard let name = VMName(word) else { throw notAName(word) }
        // If it can't be told whether one runs, the command that gets its file will find that out again.
        let running = Result { () throws(VMError) in try self.running(name) }
        if case .success(let vm?) = running, !vm.file.isEmpty { return vm }
        // The usual place first, without reading every other VM.
        let usual = Definitions(at: paths.roots.map { $0.appending(word).appending("vm.params") })
        if let vm = try only(usual.files.filter { index.name(of: $0) == name }, called: name, index) { return vm }
        if let vm = try only(index.byName[name] ?? [], called: name, index) { return vm }
        if let vm = try running.get() { return vm }
        if let vm = try ofEndedRun(name) { return vm }
        throw notFound(word, usual.unseen + index.defined.unseen)
    }

    /// The VM of the only file that gives it this name; nil if none does.
    private func only(
        _ files: [FilePath], called name: VMName, _ index: VMIndex
    ) throws(VMError) -> Machine? {
        let files = try files.count > 1 ? usable(files) : files
        guard let file = files.first else { return nil }
        guard files.count == 1 else {
            throw VMError(
                .busy, name.description, "is the name of \(files.map(\.string).joined(separator: " and of "))",
                remedy: "give the path of the one you mean")
        }
        let plain = try withoutLink(file, among: index)
        if plain != file { return try find(path: plain, among: index) }
        let running = try isLinked(file) ? self.running(from: file, among: index) : index.runs(from: file)
        return running ?? Machine(name: name, file: file, site: self)
    }

    /// Those that the caller may use: what somebody else puts below a root must not keep root's VM from being meant by its
    /// name. All, if none may be used: then the name means one that is refused.
    private func usable(_ files: [FilePath]) throws(VMError) -> [FilePath] {
        let trust = try trust()
        let usable = files.filter { (try? VMFile.refuseUntrusted($0, trust)) != nil }
        return usable.isEmpty ? files : usable
    }

    /// Whether a word is a path: it contains a `/`, or is `.` or `..`, which no VM can be called.
    static func isPath(_ word: String) -> Bool { word.contains("/") || word == "." || word == ".." }

    /// The refusal of a word that is neither a path nor a name.
    func notAName(_ word: String) -> VMError {
        let path = ShellCommand(words: ["./\(word)"])
        return VMError(
            .usage, word.isEmpty ? "''" : word, "is not a valid VM name",
            remedy: "a name has letters, digits and '._-'; a path contains a '/', such as \(path)")
    }

    /// Every VM that runs, wherever its file is; or why it can't be told whether one does.
    package func running() -> [Result<Machine, VMError>] {
        var found: [Result<Machine, VMError>] = []
        var started: [VMName] = []
        do throws(VMError) {
            started = try startedNames()
            found += started.compactMap(runs)
            found += try strayNames(besides: started).compactMap(runs)
        } catch { found.append(.failure(error)) }
        return found
    }

    private func runs(_ name: VMName) -> Result<Machine, VMError>? {
        do throws(VMError) { return try running(name).map { .success($0) } } catch { return .failure(error) }
    }

    /// Every VM under the roots that is not one of the running VMs; or why a file there defines none, or a place there
    /// can't be read.
    ///
    /// - Parameter context: reads the files and caches them; nil: they are not needed again.
    package func defined(besides running: [Machine], in context: PlanningContext? = nil) -> [Result<Machine, VMError>] {
        let read = reader(in: context)
        let found = definitions()
        let runningFiles = FileIndex(running.filter { !$0.file.isEmpty }, by: \.file)
        let lost = Set(running.filter(\.file.isEmpty).map(\.name))
        return found.files.compactMap { file in
            do throws(VMError) {
                if try runningFiles.value(of: file) != nil { return nil }
                let vm = try machine(of: file, reading: read)
                return lost.contains(vm.name) ? nil : .success(vm)
            } catch { return .failure(error) }
        } + found.unseen.map { .failure($0) }
    }

    /// A running VM keeps the name that it was started with, whatever became of its file. It is found by its path even
    /// if the file is gone or its file system does not respond.
    private func find(path: FilePath, among index: VMIndex) throws(VMError) -> Machine {
        let places = [path, path.appending("vm.params")]
        // First by the name that its path gives it, without reading every other VM.
        for name in places.compactMap(VMParams.defaultName) {
            // A VM that can't be observed is skipped: the file itself is read last.
            if case .success(let vm)? = runs(name), places.contains(vm.file) { return vm }
        }
        if let vm = places.lazy.compactMap({ index.runningFiles.value(at: $0) }).first { return vm }
        let file = try withoutLink(Self.paramsFile(at: path), among: index)
        if let vm = try running(from: file, among: index) { return vm }
        return try machine(of: file, reading: index.read)
    }

    /// The running VM that was started from this file, by whatever path.
    private func running(from file: FilePath, among index: VMIndex) throws(VMError) -> Machine? {
        guard let vm = try index.runningFiles.value(of: file) else { return nil }
        if vm.file != file { try VMFile.refuseUntrusted(file, try trust()) }
        return vm.at(file)
    }

    private func machine(of file: FilePath, reading read: Reader) throws(VMError) -> Machine {
        do throws(VMError) { return Machine(name: try read(file).name.value, file: file, site: self) } catch {
            // A file with errors defines a VM too; the command itself will report them.
            guard error.code == .badData || error.code == .unavailable, let guess = VMParams.defaultName(of: file)
            else { throw error }
            return Machine(name: guess, file: file, site: self)
        }
    }

    /// The VM of this name, if one runs.
    private func running(_ name: VMName) throws(VMError) -> Machine? {
        let vm = Machine(name: name, file: "", site: self)
        guard try vm.observe().isAlive else { return nil }
        return vm.at(try vm.manifest()?.file ?? "")
    }

    /// The VM of a run that was kept and has ended by itself: for a while it can be looked at why.
    private func ofEndedRun(_ name: VMName) throws(VMError) -> Machine? {
        let vm = Machine(name: name, file: "", site: self)
        guard let manifest = try vm.manifest(), isOfRun(manifest.file) else { return nil }
        return vm.at(manifest.file)
    }

    /// The path without a link, if the given one is a link to a VM under the roots: both are the same VM.
    ///
    /// - Throws: `.denied` if another user could turn the link: that must not decide which VM root acts on.
    private func withoutLink(_ file: FilePath, among index: VMIndex) throws(VMError) -> FilePath {
        guard try isLinked(file), let plain = index.plainName(of: file), plain != file else { return file }
        try VMFile.refuseUntrusted(file, try trust())
        return plain
    }

    private func isLinked(_ file: FilePath) throws(VMError) -> Bool {
        do throws(Errno) { return try Definitions.isLinked(file) } catch {
            throw .system(error, file.string, "can't be accessed")
        }
    }

    /// A path that does not exist is taken for a directory, unless it is named like a params file.
    private static func paramsFile(at path: FilePath) throws(VMError) -> FilePath {
        do throws(Errno) {
            let isDirectory = try status(of: path).map { $0.st_mode & S_IFMT == S_IFDIR }
            return isDirectory ?? (path.extension != "params") ? path.appending("vm.params") : path
        } catch { throw .system(error, path.string, "can't be accessed") }
    }

    /// The roots, for people.
    var rootsText: String { paths.roots.map(\.string).joined(separator: ", ") }

    private func notFound(_ word: String, _ unseen: [VMError]) -> VMError {
        guard let first = unseen.first else {
            let path = ShellCommand(words: ["./\(word)"])
            return VMError(
                .notFound, word, "no VM of this name runs, and there is none under \(rootsText)",
                remedy:
                    "\(command: "kvmctl list") shows all VMs; for one that is elsewhere give a path, such as \(path)"
            )
        }
        return VMError(
            first.code, word, "no VM of this name runs, and not everything under \(rootsText) can be read",
            remedy: first.remedy, details: Set(unseen.map(\.summary)).sorted())
    }
}
