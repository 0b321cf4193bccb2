import Glibc
public import SystemPackage

/// A VM that a word of the command line was found to mean.
public struct VMReference: Hashable, Sendable {
    /// Its name.
    public var name: VMName
    /// Its params file, absolute.
    public var file: FilePath
}

/// Finds the VM that a word of the command line means.
public struct VMLocator: Sendable {
    let paths: Paths

    /// Looks in these places.
    public init(_ paths: Paths) { self.paths = paths }

    /// What `VM` means: a path if it contains a `/`, to a file or to a directory that holds `vm.params`; else a name, of
    /// a running VM first, then of one under the roots.
    ///
    /// - Throws: `.notFound` with the places that were looked at; `.busy` where two files have the name; what reading
    ///   the file says, where that alone knows the name.
    public func find(_ word: String) throws(VMError) -> VMReference { try find(word, among: Census(self)) }

    /// The same for several words: the VMs are looked at once.
    public func find(_ words: [String]) -> [Result<VMReference, VMError>] {
        let census = Census(self)
        return words.map { word in Result { () throws(VMError) in try find(word, among: census) } }
    }

    /// What was found out of all VMs, as far as it was asked for.
    private final class Census {
        private let locator: VMLocator

        init(_ locator: VMLocator) { self.locator = locator }

        /// Those that run, with what their files are, as far as these can be looked at.
        private(set) lazy var running = locator.startedNames().compactMap {
            name -> (vm: VMReference, place: FilePlace?)? in
            locator.runningFile(of: name).map { (VMReference(name: name, file: $0), FilePlace(of: $0)) }
        }

        /// Those of them whose files can be looked at.
        private(set) lazy var byPlace = Dictionary(
            running.compactMap { vm, place in place.map { ($0, vm) } }, uniquingKeysWith: { first, _ in first })

        /// Those under the roots.
        private(set) lazy var defined = locator.definedFiles()

        /// The same, by the names that their files give them.
        private(set) lazy var byName = Dictionary(
            grouping: defined.compactMap { file in VMLocator.name(of: file).map { (name: $0, file: file) } },
            by: \.name
        ).mapValues { $0.map(\.file) }

        /// The same, but for links, by what they are.
        private(set) lazy var byIdentity = Dictionary(
            defined.compactMap { file in
                VMLocator.isLinked(file) ? nil : VMLocator.identity(of: file).map { ($0, file) }
            }, uniquingKeysWith: { first, _ in first })
    }

    private func find(_ word: String, among census: Census) throws(VMError) -> VMReference {
        if Self.isPath(word) {
            return try find(path: withoutLink(Self.paramsFile(at: absolutePath(word)), among: census), among: census)
        }
        guard let name = VMName(word) else { throw notAName(word) }
        if let file = runningFile(of: name) { return VMReference(name: name, file: file) }
        // The usual place, without looking at every other VM.
        let usual = paths.roots.map { $0.appending(word).appending("vm.params") }
        let files = usual.filter(Self.isFile).filter { Self.name(of: $0) == name }
        let named = files.isEmpty ? census.byName[name] ?? [] : files
        guard let found = named.first else { throw notFound(word) }
        if named.count == 1, Self.isLinked(found) {
            return try find(path: withoutLink(found, among: census), among: census)
        }
        guard named.count == 1 else {
            throw VMError(
                .busy, word, "is the name of \(named.map(\.string).joined(separator: " and of "))",
                remedy: "say the path of the one you mean")
        }
        return VMReference(name: name, file: found)
    }

    /// Whether a word is a path: it contains a `/`, or is `.` or `..`, which no VM can be called.
    static func isPath(_ word: String) -> Bool { word.contains("/") || word == "." || word == ".." }

    /// The refusal of a word that is neither a path nor a name.
    func notAName(_ word: String) -> VMError {
        let path = ShellCommand(words: ["./\(word)"])
        return VMError(
            .usage, word.isEmpty ? "''" : word, "is no VM's name",
            remedy: "a name has letters, digits and '._-'; a path contains a '/', such as \(path)")
    }

    /// Every VM: those that run, wherever their files are, and those under the roots; or why a file there names none.
    ///
    /// - Parameter surroundings: what reads the files, for whoever asks for them again.
    public func all(reading surroundings: Surroundings? = nil) -> [Result<VMReference, VMError>] {
        let census = Census(self)
        var seen: Set<VMName> = []
        let defined = definedFiles().map { file in
            Result { () throws(VMError) in
                if !census.byPlace.isEmpty, let vm = FilePlace(of: file).flatMap({ census.byPlace[$0] }) {
                    seen.insert(vm.name)
                    return VMReference(name: vm.name, file: file)
                }
                return try reference(file, reading: surroundings)
            }
        }
        return defined + census.running.filter { !seen.contains($0.vm.name) }.map { .success($0.vm) }
    }

    /// A running VM keeps the name that it was started with, whatever became of its file.
    private func find(path file: FilePath, among census: Census) throws(VMError) -> VMReference {
        // The name that its place gives it, without looking at every other VM.
        if let name = VMParams.defaultName(of: file), let running = runningFile(of: name), isSameFile(running, file) {
            return VMReference(name: name, file: file)
        }
        if let vm = FilePlace(of: file).flatMap({ census.byPlace[$0] }) {
            return VMReference(name: vm.name, file: file)
        }
        return try reference(file)
    }

    private func reference(
        _ file: FilePath, reading surroundings: Surroundings? = nil
    ) throws(VMError) -> VMReference {
        do throws(VMError) {
            let params = if let surroundings { try surroundings.glance(at: file) } else { try VMFile.glance(at: file) }
            return VMReference(name: params.name.value, file: file)
        } catch {
            // A file with errors is there too; what they are is for the command to say.
            guard error.code == .badData || error.code == .unavailable, let guess = VMParams.defaultName(of: file)
            else { throw error }
            return VMReference(name: guess, file: file)
        }
    }

    private func runningFile(of name: VMName) -> FilePath? {
        guard Observation(name, in: paths).state.isAlive else { return nil }
        return Manifest(reading: RuntimeDirectory(name, in: paths).manifestFile).map { FilePath($0.file) }
    }

    /// Why roots can't be looked at, so that what is there is not found. A root that is not there holds nothing.
    public func blindSpots() -> [VMError] {
        paths.roots.compactMap { root in
            do throws(Errno) {
                let opened = try OwnedDescriptor.directory(root)
                extendLifetime(opened)
                return nil
            } catch .noSuchFileOrDirectory {
                return nil
            } catch {
                return .system(
                    error, root.string, "can't be looked into, so the VMs there are missing here",
                    remedy: "run kvmctl as a user who may, or name other roots in KVMCTL_VMS")
            }
        }
    }

    /// Every params file under the roots: `ROOT/DIR/vm.params` and `ROOT/NAME.params`, sorted by path. What several names
    /// lead to is one file, and has the name that is no link.
    public func definedFiles() -> [FilePath] {
        let found = paths.roots.flatMap { root in
            ((try? names(in: root)) ?? []).concurrentMap { entry -> (path: FilePath, identity: FileIdentity?)? in
                let isFile = entry.hasSuffix(".params")
                // In one piece: each appending goes over the whole path.
                let path = root.appending(isFile ? entry : "\(entry)/vm.params")
                let identity = Self.identity(of: path)
                return isFile || identity != nil ? (path, identity) : nil
            }.compactMap(\.self)
        }
        // Nearly always all are different, and to sort numbers is quicker than to hash them.
        let numbers = found.compactMap { $0.identity?.inode }.sorted()
        guard zip(numbers, numbers.dropFirst()).contains(where: ==) else { return found.map(\.path) }
        return Self.withoutTwins(found)
    }

    private static func withoutTwins(_ found: [(path: FilePath, identity: FileIdentity?)]) -> [FilePath] {
        var places: [FileIdentity: Int] = [:]
        var files: [FilePath] = []
        for (path, identity) in found {
            if let identity, let place = places[identity] {
                if isLinked(files[place]), !isLinked(path) { files[place] = path }
            } else {
                if let identity { places[identity] = files.count }
                files.append(path)
            }
        }
        return files
    }

    /// Which file a path leads to; nil where nothing is there.
    private static func identity(of path: FilePath) -> FileIdentity? {
        (try? status(of: path)).flatMap { $0.map { FileIdentity($0) } }
    }

    /// Whether a params file, or the directory that it is in, is a link.
    private static func isLinked(_ file: FilePath) -> Bool {
        [file, file.removingLastComponent()].contains { path in
            var status = stat()
            return path.withPlatformString { lstat($0, &status) } == 0 && status.st_mode & S_IFMT == S_IFLNK
        }
    }

    /// The name of a params file that is no link, where a link leads to a VM under the roots: it is that VM, and no other.
    private func withoutLink(_ file: FilePath, among census: Census) -> FilePath {
        guard Self.isLinked(file), let identity = Self.identity(of: file) else { return file }
        return census.byIdentity[identity] ?? file
    }

    /// The VMs that were started at some time since boot, by name.
    func startedNames() -> [VMName] { ((try? names(in: paths.machines)) ?? []).compactMap { VMName($0) } }

    /// What is not there is taken for a directory, unless it is called as a file would be.
    private static func paramsFile(at path: FilePath) -> FilePath {
        do throws(Errno) {
            let isDirectory = try status(of: path).map { $0.st_mode & S_IFMT == S_IFDIR }
            return isDirectory ?? (path.extension != "params") ? path.appending("vm.params") : path
        } catch { return path }
    }

    private static func isFile(_ path: FilePath) -> Bool { path.withPlatformString { access($0, F_OK) } == 0 }

    /// The name that a file gives its VM; a file with errors has only the name of its place.
    private static func name(of file: FilePath) -> VMName? {
        (try? VMFile.glance(at: file))?.name.value ?? VMParams.defaultName(of: file)
    }

    /// The roots, for people.
    var rootsText: String { paths.roots.map(\.string).joined(separator: ", ") }

    private func notFound(_ word: String) -> VMError {
        let path = ShellCommand(words: ["./\(word)"])
        return VMError(
            .notFound, word, "no VM of this name runs, and there is none under \(rootsText)",
            remedy:
                "\(command: "kvmctl list") shows those there are; say a path, such as \(path), for one that is elsewhere"
        )
    }
}
