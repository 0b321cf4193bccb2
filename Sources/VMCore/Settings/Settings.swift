import SystemPackage

/// What kvmctl.conf says: /etc/kvmctl.conf, and over it the caller's own. Environment and options go before.
package struct Settings: Equatable, Sendable {
    /// A line that counts.
    package struct Line: Equatable, Sendable {
        /// Its key.
        package var key: SettingKey
        /// Its value, without quotes.
        package var value: String
        /// Where it is.
        package var file: FilePath
        /// From 1.
        package var number: Int
    }

    /// The lines that count, one for each key that is set.
    package private(set) var lines: [Line] = []
    /// `VMS`: the directories where VMs are looked up by name.
    package private(set) var roots: [FilePath]?
    /// `IMAGES`: the directories of images that have names.
    package private(set) var images: [FilePath]?
    /// `QUIET`.
    package private(set) var isQuiet = false
    /// `LIST_COLUMNS`.
    package private(set) var listColumns: [ListColumn]?
    /// `WARM_CACHE`.
    package private(set) var warmCache = ByteCount(bytes: 4 << 30)
    /// `CREATE_…`.
    package private(set) var create = CreateDefaults()

    /// The settings where there are no files.
    package init() {}

    /// Reads files, each of which goes before those before it, key by key.
    ///
    /// - Throws: `.badData` with every diagnostic of the first file that is wrong: none is ever half used.
    package init(_ files: [ParamsSource]) throws(VMError) {
        for file in files { try read(file) }
    }

    /// The line that sets a key; nil: none does.
    package func line(of key: SettingKey) -> Line? { lines.first { $0.key == key } }

    private mutating func read(_ source: ParamsSource) throws(VMError) {
        var log = FaultLog()
        var own: [Line] = []
        if let reason = NoText(source.bytes) {
            log.add(Fault(reason, in: source.bytes))
        } else {
            for element in ParamsLexer(source.bytes) {
                do throws(Fault) { own.append(try take(try element.get(), of: source.file, after: own)) } catch {
                    log.add(error)
                }
            }
        }
        if log.errors > 0 { throw Self.refusal(of: source, log) }
        lines = lines.filter { line in !own.contains { $0.key == line.key } } + own
    }

    private mutating func take(_ assignment: Assignment, of file: FilePath, after own: [Line]) throws(Fault) -> Line {
        guard let key = SettingKey(rawValue: assignment.key) else {
            let all = SettingKey.allCases.map(\.rawValue).joined(separator: ", ")
            let nearest = SettingKey.nearest(to: assignment.key).map { "Did you mean \($0.rawValue)?" }
            throw assignment.keyFault(
                "unknown key \(Printable.quoted(assignment.key))", hint: Hint(text: nearest ?? "The keys are \(all)."))
        }
        if let first = own.first(where: { $0.key == key }) {
            throw assignment.keyFault(
                "\(key.rawValue) is set twice: first on line \(first.number)", hint: "Remove one of the two lines.")
        }
        guard !assignment.value.isEmpty else {
            throw assignment.keyFault(
                "\(key.rawValue) has no value", hint: "Give it a value such as \(key.example), or remove the line.")
        }
        do throws(ValueFault) { try set(key, to: assignment.value) } catch {
            var fault = error
            fault.message = "\(key.rawValue): \(fault.message)"
            var trial = self
            fault.hint = fault.bestHint { (try? trial.set(key, to: $0)) != nil }
            throw assignment.fault(fault)
        }
        return Line(key: key, value: assignment.value, file: file, number: assignment.line)
    }

    private mutating func set(_ key: SettingKey, to text: String) throws(ValueFault) {
        switch key {
        case .roots: roots = try Self.directories(text)
        case .images: images = try Self.directories(text)
        case .quiet: isQuiet = try ParamValue.bool(text)
        case .listColumns: listColumns = try ListColumn.parse(text)
        case .createMemory: create.memory = try ParamsDecoder.memory(text)
        case .createCPUs: create.cpus = try ParamsDecoder.cpus(text)
        case .createDisk: create.disks = text == "none" ? [] : [try ParamsDecoder.diskSize(text)]
        case .createNet:
            create.networks =
                switch try ParamsDecoder.network(text) {
                case .network(let network): [network]
                case .none: []
                }
        case .createVNC: create.vnc = try ParamsDecoder.display(text)
        case .warmCache: warmCache = try ParamsDecoder.diskSize(text)
        }
    }

    private static func directories(_ text: String) throws(ValueFault) -> [FilePath] {
        var roots: [FilePath] = []
        for part in text.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false) {
            let root = String(Substring(part))
            let place = text.utf8.distance(from: text.utf8.startIndex, to: part.startIndex)
            guard root.hasPrefix("/"), root.utf8.count < 4096 else {
                throw ValueFault(
                    "\(Printable.quoted(root)) is not an absolute path",
                    hint: "Write the paths of directories, with colons between them, such as /srv/vms:/vms.",
                    range: place..<place + part.count)
            }
            roots.append(FilePath(root))
        }
        return roots
    }

    private static func refusal(of source: ParamsSource, _ log: FaultLog) -> VMError {
        let diagnostics = log.faults.map { SourceText(bytes: source.bytes).diagnostic($0) }
        let parsed = ParsedParams(
            file: source.file, params: nil, diagnostics: diagnostics, errorCount: log.errors, unlisted: log.unlisted,
            hasBadData: true)
        return parsed.error ?? VMError(.badData, source.file.string, "can't be used")
    }
}
