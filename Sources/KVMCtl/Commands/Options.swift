import ArgumentParser
import Glibc
import SystemPackage
import VMCore
import VMHost
import VMLife

/// Where this caller's VMs are.
enum Places {
    private static func environment(_ key: String) -> String? { getenv(key).map { String(cString: $0) } }

    /// Refuses to change the host's network for a user.
    ///
    /// - Throws: `.denied`, where the caller is not root.
    static func refuseUser(_ subject: String) throws(VMError) {
        guard geteuid() != 0 else { return }
        throw VMError(
            .denied, subject, "only root can change the host's network", remedy: "run it as root, with sudo")
    }

    static func current() throws(VMError) -> Paths { try Paths.of(uid: geteuid(), environment: environment) }

    static func inventory() throws(VMError) -> Inventory {
        Inventory(try current(), others: Others.of(uid: geteuid(), environment: environment))
    }

    static func doctor() throws(VMError) -> Doctor {
        Doctor(
            try current(), others: Others.of(uid: geteuid(), environment: environment), trust: try trust())
    }

    /// Whose files this caller acts on.
    static func trust(owner: Bool = false) throws(VMError) -> FileTrust {
        try FileTrust.of(uid: geteuid(), environment: environment, trustingOwner: owner)
    }
}

/// The VMs that a command is about.
struct Targets: ParsableArguments {
    @Argument(help: "The VMs: names, or paths of params files.", completion: .vm)
    var vms: [String] = []

    @Flag(help: "Every VM: those under the roots, and those that run.")
    var all = false

    func validate() throws {
        if all != vms.isEmpty { throw ValidationError(all ? "--all goes without names" : "name a VM, or say --all") }
    }

    /// Does something to each VM, goes on after a failure, and reports them all.
    ///
    /// - Parameters:
    ///   - results: is told which VM it is about, and of its failure.
    ///   - surroundings: what reads the files that tell the VMs' names, where it is to read them again.
    /// - Throws: what the only VM threw; `SomeFailed` if some of several failed.
    func forEach(
        _ results: VMResults, reading surroundings: Surroundings? = nil, _ body: (VMReference) throws -> Void
    ) throws {
        try forEach(results, reading: surroundings, { $0 }, then: body)
    }

    /// The same in two rounds: prepares something for each VM before the first is dealt with.
    ///
    /// Of all VMs those that run come first: they are known without a look at the roots, which may not answer.
    ///
    /// - Parameters:
    ///   - descriptors: how many descriptors each takes that is prepared. Where there are not enough for all, some are dealt
    ///     with after the others.
    ///   - between: is asked once those are prepared that are dealt with next; what it throws ends the command.
    func forEach<Prepared>(
        _ results: VMResults, reading surroundings: Surroundings? = nil, _ prepare: (VMReference) throws -> Prepared,
        holding descriptors: Int = 0, between: ([Prepared]) throws -> Void = { _ in },
        then body: (Prepared) throws -> Void
    ) throws {
        let locator = VMLocator(try Places.current())
        var attempts = Attempts(results: results, words: all ? nil : vms)
        func deal(with found: [Result<VMReference, VMError>]) throws {
            let first = attempts.names.count
            attempts.names += found.map { try? $0.get().name.description }
            let atOnce = DescriptorLimit.room(for: found.count, each: descriptors)
            for start in stride(from: 0, to: found.count, by: atOnce) {
                let prepared = try found.enumerated().dropFirst(start).prefix(atOnce).compactMap { number, vm in
                    try attempts.make(first + number) { try prepare(vm.get()) }.map { (first + number, $0) }
                }
                if !prepared.isEmpty { try between(prepared.map(\.1)) }
                for (number, one) in prepared { try attempts.make(number) { try body(one) } }
            }
        }
        if all {
            let running = locator.running()
            try deal(with: running)
            // What can't be found can't be done either.
            try deal(with: locator.defined(besides: running.compactMap { try? $0.get() }, reading: surroundings))
        } else {
            try deal(with: locator.find(vms))
        }
        if attempts.failures > 0 { throw SomeFailed(code: ExitStatus.code(of: .partial)) }
    }

    /// What is done to VMs one after the other; a failure of one does not end it.
    private struct Attempts {
        let results: VMResults
        /// What they were asked for by; nil: it is about all.
        let words: [String]?
        /// The names of those there are; nil: what is there has none.
        var names: [String?] = []
        var failures = 0

        /// Does something to the VM of this number; nil where that failed.
        ///
        /// - Throws: why, where it is the only VM.
        mutating func make<Value>(_ number: Int, _ step: () throws -> Value) throws -> Value? {
            results.turn(to: number)
            do { return try step() } catch let error as VMError {
                results.fail(words?[number] ?? names[number], error)
                if words?.count == 1 { throw error }
                Message.error(error)
                failures += 1
                return nil
            }
        }
    }
}

/// `--json`.
struct OutputOptions: ParsableArguments {
    @Flag(help: "Print JSON.")
    var json = false

    /// Prints a list as one JSON document.
    func print(list: [JSON]) { print(.array(list)) }

    /// Prints one JSON document. JSON has escapes of its own: another would make it unreadable.
    func print(_ document: JSON) {
        Deeds.note(document.text)
        Swift.print(document.prettyText)
    }
}

/// `--trust-owner`.
struct TrustOption: ParsableArguments {
    @Flag(
        name: .customLong("trust-owner"),
        help: "Use a params file of another account's, with that account's rights and no others.")
    var owner = false

    /// Whose files are acted on.
    func trust() throws(VMError) -> FileTrust { try Places.trust(owner: owner) }
}

/// `--dry-run`.
struct DryRunOption: ParsableArguments {
    @Flag(name: .customLong("dry-run"), help: "Print what would be done, and touch nothing.")
    var isOn = false
}
