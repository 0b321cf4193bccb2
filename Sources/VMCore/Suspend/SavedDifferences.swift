import SystemPackage

/// What a start finds of what a saved state needs.
package struct FoundMachine: Equatable, Sendable {
    /// The machine that it would make.
    package var machine: GuestMachine
    /// The disks and CDs that exist, by their paths.
    package var stamps: [FilePath: MediumStamp]
    /// The host's processor; nil if it is not known.
    package var processor: HostProcessor?

    /// Describes what was found; see the properties.
    package init(_ machine: GuestMachine, stamps: [FilePath: MediumStamp], processor: HostProcessor?) {
        (self.machine, self.stamps, self.processor) = (machine, stamps, processor)
    }
}

extension SavedMachine {
    /// What keeps the guest from going on, one line each; none: it can.
    package func differences(from now: FoundMachine) -> [String] {
        guard machine.uuid == now.machine.uuid else {
            return ["it is the state of another VM, whose UUID is \(machine.uuid); this one's is \(now.machine.uuid)"]
        }
        return differentQEMU(now.machine) + differentParts(now.machine) + differentMedia(now)
            + differentProcessor(now.processor)
    }

    /// QEMU goes on with the state that an older one has saved, if the machine has the same version.
    private func differentQEMU(_ now: GuestMachine) -> [String] {
        guard !machine.version.isEmpty, !now.version.isEmpty else { return [] }
        let (old, new) = (Self.numbers(machine.version), Self.numbers(now.version))
        guard new.lexicographicallyPrecedes(old) else { return [] }
        return ["QEMU was \(machine.version) and is now \(now.version), which is older"]
    }

    private static func numbers(_ version: String) -> [Int] { version.split(separator: ".").map { Int($0) ?? 0 } }

    private func differentParts(_ now: GuestMachine) -> [String] {
        // A QEMU that was not asked has not told which machine type is meant.
        let old = machine.parts.filter { !now.version.isEmpty || $0.name != "MACHINE" }.flatMap { part -> [String] in
            guard let other = now.parts.first(where: { $0.name == part.name }) else {
                return ["\(part.name) is no longer there"]
            }
            return part == other ? [] : PartDifference(part, other).lines
        }
        let new = now.parts.filter { part in !machine.parts.contains { $0.name == part.name } }
        return old + new.map { "\($0.name) was not there" }
    }

    private func differentMedia(_ now: FoundMachine) -> [String] {
        let inserted = now.machine.media.compactMap { medium in
            // That of a disk or drive which was not there is named as a part.
            machine.has(medium.name) && !machine.media.contains { $0.name == medium.name }
                ? "\(medium.name) was empty, and now has \(medium.path)" : nil
        }
        return inserted
            + machine.media.compactMap { medium in
                guard let other = now.machine.media.first(where: { $0.name == medium.name }) else {
                    return now.machine.has(medium.name) ? "\(medium.name) had \(medium.path), and is now empty" : nil
                }
                guard let before = stamps[medium.name] else { return "nothing is known of \(medium.name)" }
                guard let stamp = now.stamps[other.path] else { return "\(medium.name), \(other.path), does not exist" }
                if stamp.size != before.size {
                    return "\(medium.name) was \(before.size) bytes and is now \(stamp.size)"
                }
                return stamp == before ? nil : "\(medium.name), \(other.path), was written to since"
            }
    }

    private func differentProcessor(_ now: HostProcessor?) -> [String] {
        guard let processor, let now else { return [] }
        let isHosts = machine.parts.contains { $0.words.contains { $0 == "host" || $0.hasPrefix("host,") } }
        if isHosts, processor.model != now.model {
            return ["the host's CPU was \(processor.model) and is now \(now.model)"]
        }
        let lost = processor.flags.filter { !now.flags.contains($0) }
        return lost.isEmpty ? [] : ["the host's CPU no longer has \(lost.joined(separator: ", "))"]
    }
}

extension GuestMachine {
    fileprivate func has(_ name: String) -> Bool { parts.contains { $0.name == name } }
}

/// How words that come from one key have changed.
private struct PartDifference {
    private let name: String
    private let (old, new): ([String], [String])

    init(_ old: GuestMachine.Part, _ new: GuestMachine.Part) {
        name = old.name
        (self.old, self.new) = (old.words, new.words)
    }

    /// A line for each word that has changed.
    var lines: [String] {
        guard old.count == new.count else {
            return ["\(name) was \(old.joined(separator: " ")) and is now \(new.joined(separator: " "))"]
        }
        return old.indices.filter { old[$0] != new[$0] }.map {
            line(old[$0], new[$0], isDevice: $0 > 0 && old[$0 - 1] == "-device")
        }
    }

    /// Only what differs within the word, if that is one property.
    private func line(_ old: String, _ new: String, isDevice: Bool) -> String {
        let (was, now) = (old.split(separator: ","), new.split(separator: ","))
        let changed = zip(was, now).filter { $0 != $1 }
        guard was.count == now.count, changed.count == 1, let (before, after) = changed.first else {
            return "\(name) was \(old) and is now \(new)"
        }
        let (key, value) = Self.property(before)
        let (newKey, newValue) = Self.property(after)
        guard key == newKey else { return "\(name) was \(before) and is now \(after)" }
        return "\(name)\(isDevice && !key.isEmpty ? ": \(key)" : "") was \(value) and is now \(newValue)"
    }

    private static func property(_ text: Substring) -> (key: Substring, value: Substring) {
        guard let equals = text.firstIndex(of: "=") else { return ("", text) }
        return (text[..<equals], text[text.index(after: equals)...])
    }
}
