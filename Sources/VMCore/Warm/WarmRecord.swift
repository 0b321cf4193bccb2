import SystemPackage

/// All that a warm image depends on, in words, so that it can be said what has changed: the file `image.json` in its directory.
package struct WarmRecord: Equatable, Sendable {
    /// Something that it depends on, apart from files.
    package struct Fact: Equatable, Sendable {
        package var name: String
        package var value: String
    }

    /// A file that it depends on.
    package struct File: Equatable, Sendable {
        package var path: FilePath
        /// nil: it is not there.
        package var stamp: FileStamp?
    }

    /// What it was made from, for people.
    package var model: String
    /// When, in seconds since the epoch.
    package var made: Int64 = 0
    package var facts: [Fact] = []
    package var files: [File] = []
    /// The files of the image itself, by their names in its directory.
    package var content: [String: FileStamp] = [:]

    /// What a start from the image would depend on.
    ///
    /// - Parameters:
    ///   - plan: that start, from the image.
    ///   - version: kvmctl's.
    ///   - stamp: what tells how a file is.
    package init(
        _ plan: LaunchPlan, model: String, version: String, conditions: [WaitCondition], processor: HostProcessor?,
        stamp: (FilePath) throws(VMError) -> FileStamp?
    ) throws(VMError) {
        self.model = model
        let machine = plan.guestMachine
        add("kvmctl", version)
        add("QEMU", machine.version)
        if machine.accelerator == "kvm" {
            add(
                "the host's processor", processor.map { "\($0.model): \($0.flags.joined(separator: " "))" } ?? "unknown"
            )
        }
        add("--for", conditions.map(\.description).joined(separator: " "))
        for part in machine.parts where part.name != "UUID" { add(part.name, part.words.joined(separator: " ")) }
        for group in plan.arguments { add(group) }
        for path in [FilePath(plan.executable)] + plan.descriptors.compactMap(\.role.fileOfMachine)
        where !files.contains(where: { $0.path == path }) {
            files.append(File(path: path, stamp: try stamp(path)))
        }
        for case .seed(let seed) in plan.descriptors.map(\.role) {
            add("the seed for cloud-init", "\(seed.instanceID) \(SHA256.digits(of: seed.image.bytes))")
        }
    }

    private mutating func add(_ name: String, _ value: String) {
        if let known = facts.firstIndex(where: { $0.name == name }) {
            facts[known].value += " \(value)"
        } else {
            facts.append(Fact(name: name, value: value))
        }
    }

    /// What the guest saw when it was booted, and back ends that shape the saved machine.
    private mutating func add(_ group: ArgumentGroup) {
        for argument in group.arguments {
            switch argument {
            case .words(let words) where words.first == "-append": add("APPEND", words.dropFirst().joined())
            case .component(.object(let object)):
                add("the object \(object.id)", Component.object(object).words.joined(separator: " "))
            default: break
            }
        }
    }

    /// When the last of its files was changed, in nanoseconds since the epoch.
    package var newestChange: Int64 { files.compactMap(\.stamp?.changed).max() ?? 0 }

    /// In what another one differs, one clause each, as it is now.
    package func changes(to now: WarmRecord) -> [String] {
        let values = Dictionary(facts.map { ($0.name, $0.value) }) { one, _ in one }
        let others = Dictionary(now.facts.map { ($0.name, $0.value) }) { one, _ in one }
        var changes: [String] = []
        for fact in now.facts where values[fact.name] != fact.value {
            changes.append(Self.change(of: fact.name, from: values[fact.name], to: fact.value))
        }
        changes += facts.filter { others[$0.name] == nil }.map { "\($0.name) is no longer there" }
        let stamps = Dictionary(files.map { ($0.path, $0.stamp) }) { one, _ in one }
        for file in now.files {
            guard let old = stamps[file.path] else {
                changes.append("\(file.path) was not used")
                continue
            }
            if let change = FileStamp.change(from: old, to: file.stamp) { changes.append("\(file.path) \(change)") }
        }
        return changes
            + files.filter { old in !now.files.contains { $0.path == old.path } }.map { "\($0.path) is no longer used" }
    }

    /// What has become of the files that it was made from, one clause each.
    ///
    /// - Parameter stamp: what tells how a file is.
    package func changesOfFiles(_ stamp: (FilePath) throws(VMError) -> FileStamp?) throws(VMError) -> [String] {
        var changes: [String] = []
        for file in files {
            guard let change = FileStamp.change(from: file.stamp, to: try stamp(file.path)) else { continue }
            changes.append("\(file.path) \(change)")
        }
        return changes
    }

    /// What has become of the image's own files, one clause each; none: they are as they were when it was made.
    ///
    /// - Parameter now: what is in its directory.
    package func damages(_ now: [String: FileStamp]) -> [String] {
        content.keys.sorted().compactMap { name in
            FileStamp.change(from: content[name], to: now[name]).map { "its file \(name) \($0)" }
        }
    }

    /// Long values say nothing beside each other.
    private static func change(of name: String, from old: String?, to new: String) -> String {
        guard let old, old.utf8.count + new.utf8.count <= 100 else { return "\(name) has changed" }
        return "\(name) was \(old.isEmpty ? "empty" : old) and is now \(new.isEmpty ? "empty" : new)"
    }
}

extension Descriptor.Role {
    /// A file that is a part of the machine, which its guest has read.
    fileprivate var fileOfMachine: FilePath? {
        switch self {
        case .image(let path, _, _), .blob(let path): path
        default: nil
        }
    }
}

// As JSON.
extension WarmRecord {
    /// The version of the members; another one is not read, and the image is made anew.
    private static let format: Int64 = 2

    /// The content of the file.
    package var text: String {
        let json: JSON = [
            "version": .integer(Self.format), "model": .string(model), "made": .integer(made),
            "facts": .array(facts.map { ["name": .string($0.name), "value": .string($0.value)] }),
            "files": .array(files.map { ["path": .string($0.path.string), "stamp": $0.stamp?.json ?? .null] }),
            "content": .object(content.mapValues(\.json)),
        ]
        return json.prettyText + "\n"
    }

    /// Reads it; nil if it is not what kvmctl writes, or what another kvmctl writes.
    package init?(parsing bytes: [UInt8]) {
        guard let json = try? JSON(parsing: bytes), json["version"]?.integer == Self.format,
            let model = json["model"]?.string, let made = json["made"]?.integer, let facts = json["facts"]?.array,
            let files = json["files"]?.array, case .object(let content)? = json["content"]
        else { return nil }
        (self.model, self.made) = (model, made)
        self.content = content.compactMapValues { FileStamp($0) }
        guard self.content.count == content.count else { return nil }
        for fact in facts {
            guard let name = fact["name"]?.string, let value = fact["value"]?.string else { return nil }
            self.facts.append(Fact(name: name, value: value))
        }
        for file in files {
            guard let path = file["path"]?.absolutePath, let stamp = file["stamp"] else { return nil }
            let known = FileStamp(stamp)
            guard stamp == .null || known != nil else { return nil }
            self.files.append(File(path: path, stamp: known))
        }
    }
}
