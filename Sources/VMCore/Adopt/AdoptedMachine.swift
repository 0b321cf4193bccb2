/// What is known of a QEMU that kvmctl did not start.
package struct AdoptionFacts: Sendable {
    /// Its words, the program's name first. The process may have written anything there.
    package var words: [String]
    /// How many more there are that are not UTF-8.
    package var unreadableWords = 0
    /// The directory that its relative paths are below; nil: it is gone.
    package var directory: String?
    /// The program, if it is not the host's own QEMU.
    package var program: String?
    /// The UUID for a machine that has none.
    package var newUUID: UUID
    /// Its board's versioned name; nil: it could not be asked.
    package var board: String?
    /// The versioned names behind `pc` and `q35`, for one that could not be asked.
    package var pinned: [String: String] = [:]
    /// Whether it runs under KVM; nil: it could not be asked.
    package var usesKVM: Bool?
    /// Where its VNC server listens; nil: there is none, or it could not be asked.
    package var vnc: VNCServer?
    /// The formats of its images, as it has found them out, by their absolute paths.
    package var formats: [String: String] = [:]
    /// The taps that it has open, in the order of its descriptors.
    package var taps: [String] = []
    /// The bridges that taps are ports of.
    package var bridges: [String: String] = [:]

    /// The facts that are always known.
    package init(words: [String], directory: String?, newUUID: UUID) {
        (self.words, self.directory, self.newUUID) = (words, directory, newUUID)
    }
}

/// A QEMU that kvmctl did not start, in the terms of vm.params.
package struct AdoptedMachine: Equatable, Sendable {
    /// A line of its params file.
    package struct Line: Equatable, Sendable {
        /// The key.
        package let key: KeyName
        /// Its value.
        package let value: String
        /// The argument that says so, or why else it is so.
        package let reason: String
    }

    /// Something of its command line that its params file does not say.
    package struct Loss: Equatable, Sendable {
        /// The argument, or the part of it.
        package let argument: String
        /// Why.
        package let reason: String
    }

    /// The lines of its params file, without NAME.
    package internal(set) var lines: [Line] = []
    /// What it loses.
    package internal(set) var losses: [Loss] = []
    /// What kvmctl does in its own way for every VM.
    package internal(set) var kvmctls: [String] = []
    /// What the command line calls it.
    package internal(set) var givenName: String?
    /// Whether it has a monitor for people, which takes no descriptors.
    package internal(set) var hasHumanMonitor = false
    /// The paths of its QMP sockets.
    package internal(set) var monitors: [String] = []
    /// The address that its VNC server listens on, if that asks for a password.
    package internal(set) var protectedScreen: String?
    /// Its taps, by the n of NETn.
    package internal(set) var taps: [Int: String] = [:]

    /// The value of a key.
    package func value(of key: KeyName) -> String? { lines.first { $0.key == key }?.value }
}

/// Makes one of the other: each option becomes a key, stays as it is (`QEMUARGn`), or is named as lost.
struct CommandLineReader {
    let facts: AdoptionFacts
    var found = AdoptedMachine()
    /// Those that no part has taken yet.
    private(set) var options: [QEMUOption]
    /// What stays as it is.
    private(set) var verbatim: [QEMUOption] = []
    /// Whether QEMU adds a network card, a CD drive and a screen that nobody asked for.
    let hasDefaults: Bool

    init(_ facts: AdoptionFacts) {
        self.facts = facts
        options = QEMUOption.all(in: facts.words.dropFirst())
        hasDefaults = !options.contains { $0.name == "nodefaults" }
    }

    /// Takes the options with these names, in their order.
    mutating func take(_ names: String...) -> [QEMUOption] {
        defer { options.removeAll { names.contains($0.name) } }
        return options.filter { names.contains($0.name) }
    }

    /// Takes an option of which the last one counts; the others are lost, as QEMU has lost them.
    mutating func takeLast(_ names: String...) -> QEMUOption? {
        defer { options.removeAll { names.contains($0.name) } }
        return options.last { names.contains($0.name) }
    }

    /// Takes the `-device` options of some drivers.
    mutating func takeDevices(_ isWanted: (String) -> Bool) -> [(
        option: QEMUOption, driver: String, fields: OptionFields
    )] {
        var taken: [(option: QEMUOption, driver: String, fields: OptionFields)] = []
        options.removeAll { option in
            guard option.name == "device", let value = option.value else { return false }
            var fields = OptionFields(value, implied: "driver")
            guard let driver = fields.take("driver"), isWanted(driver) else { return false }
            fields.drop("id")
            taken.append((option, driver, fields))
            return true
        }
        return taken
    }

    mutating func add(_ key: KeyName, _ value: String, _ reason: String) {
        found.lines.append(.init(key: key, value: value, reason: reason))
    }

    mutating func lose(_ argument: String, _ reason: String) {
        found.losses.append(.init(argument: argument, reason: reason))
    }

    /// Names what is left of an option.
    mutating func lose(_ fields: OptionFields, of what: String) {
        var fields = fields
        let places = [fields.take("bus"), fields.take("addr")].compactMap(\.self)
        if !places.isEmpty {
            lose(
                "\(what): \(places.joined(separator: " "))", "kvmctl chooses the slots: the guest may name it otherwise"
            )
        }
        for part in fields.rest { lose("\(what): \(part)", "there is no key for it") }
    }

    /// Notes parts of an option that kvmctl decides for every VM.
    mutating func leave(_ keys: String..., in fields: inout OptionFields, of what: String) {
        found.kvmctls += fields.takeParts(keys).map { "\(what) \($0)" }
    }

    /// Keeps an option for QEMU as it is.
    mutating func keep(_ option: QEMUOption) { verbatim.append(option) }

    /// A path as the process meant it; nil if nothing tells what it was below.
    func absolute(_ path: String) -> String? {
        if path.hasPrefix("/") { return path }
        guard let directory = facts.directory else { return nil }
        let plain = path.hasPrefix("./") ? String(path.dropFirst(2)) : path
        return directory == "/" ? "/\(plain)" : "\(directory)/\(plain)"
    }
}

extension AdoptedMachine {
    /// Reads a command line.
    package init(_ facts: AdoptionFacts) {
        var reader = CommandLineReader(facts)
        if facts.unreadableWords > 0 {
            reader.lose("\(facts.unreadableWords) words of its command line", "they are not UTF-8")
        }
        reader.readMachine()
        reader.readKernel()
        reader.readDrives()
        reader.readCards()
        reader.readScreen()
        reader.readRest()
        self = reader.found
    }
}
