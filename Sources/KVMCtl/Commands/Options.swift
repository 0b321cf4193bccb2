import ArgumentParser
import SystemPackage
import VMCore
import VMHost
import VMLife
import VMReports

/// The VMs that a command acts on.
struct Targets: ParsableArguments {
    @Argument(help: "The VMs: names, or paths of params files.", completion: .vm)
    var vms: [String] = []

    @Flag(help: "All VMs: those under the roots, and all others that run.")
    var all = false

    init() {}

    /// Those of a command that has its own words for them: these, or all if there are none.
    init(_ vms: [String]) { (self.vms, all) = (vms, vms.isEmpty) }

    func validate() throws {
        if all != vms.isEmpty { throw ValidationError(all ? "--all takes no names" : "name a VM, or use --all") }
    }

    /// The words for the VMs, each once.
    private var words: [String] {
        var seen: Set<String> = []
        return vms.filter { seen.insert($0).inserted }
    }

    /// Does something to each VM, goes on after a failure, and reports every failure.
    ///
    /// - Parameters:
    ///     - results: Collects the result or the failure of each VM.
    ///     - context: Reads the files in which the VMs' names are, if they have to be read again later.
    ///     - substitute: What a word means that leads to no VM; nil: nothing.
    /// - Throws: The failure, if there was only one VM; `SomeFailed` if some of several failed.
    func forEach(
        _ results: VMResults, in context: PlanningContext? = nil,
        orElse substitute: (String) -> Machine? = { _ in nil },
        _ body: (Machine) throws -> Void
    ) throws {
        try forEach(results, in: context, orElse: substitute, { $0 }, then: body)
    }

    /// The same in two rounds: prepares something for each VM before the first one is dealt with.
    ///
    /// With --all, running VMs come first: they are known without looking at the roots, which may not answer.
    ///
    /// - Parameters:
    ///     - order: The order in which VMs that do not run are dealt with, as their numbers; nil for one that was not found.
    ///     - descriptors: How many descriptors each prepared VM holds. If there are not enough for all, the VMs are
    ///   dealt with in batches.
    ///     - next: Chooses, as an index, which of several prepared VMs is dealt with next; by default the first.
    ///     - between: Called when the VMs of a batch are prepared, before they are dealt with. An error ends the
    ///   command.
    func forEach<Prepared>(
        _ results: VMResults, in context: PlanningContext? = nil,
        orElse substitute: (String) -> Machine? = { _ in nil },
        inOrder order: ([Machine?]) -> [Int] = { Array($0.indices) },
        _ prepare: (Machine) throws -> Prepared, holding descriptors: Int = 0,
        next: ([Prepared]) -> Int = { _ in 0 },
        between: ([Prepared]) throws -> Void = { _ in },
        then body: (Prepared) throws -> Void
    ) throws {
        let site = try Site.current
        var attempts = Attempts(results: results, words: all ? nil : words)
        func deal(with found: [Result<Machine, VMError>], in order: ([Machine?]) -> [Int]) throws {
            let first = attempts.names.count
            let numbers = order(found.map { try? $0.get() })
            attempts.names += found.map { try? $0.get().name.description }
            let atOnce = DescriptorLimit.room(for: found.count, each: descriptors)
            for start in stride(from: 0, to: found.count, by: atOnce) {
                let prepared = try numbers.dropFirst(start).prefix(atOnce).compactMap { number in
                    try attempts.make(first + number) { try prepare(found[number].get()) }.map { (first + number, $0) }
                }
                if !prepared.isEmpty { try between(prepared.map(\.1)) }
                var open = prepared
                while !open.isEmpty {
                    let (number, one) = open.remove(at: open.count == 1 ? 0 : next(open.map(\.1)))
                    try attempts.make(number) { try body(one) }
                }
            }
        }
        if all {
            let running = site.running()
            try deal(with: running) { Array($0.indices) }
            // A VM that can't be found counts as a failure.
            try deal(with: site.defined(besides: running.compactMap { try? $0.get() }, in: context), in: order)
        } else {
            let found = zip(words, site.find(words, in: context)).map { word, found in
                guard case .failure(let error) = found, error.code == .notFound, let vm = substitute(word) else {
                    return found
                }
                return .success(vm)
            }
            try deal(with: found, in: order)
        }
        if attempts.failures > 0 { throw SomeFailed(.partial) }
    }

    /// Acts on VMs one after the other; a failure of one does not end the rest.
    private struct Attempts {
        let results: VMResults
        /// The words by which the VMs were named; nil with --all.
        let words: [String]?
        /// The VMs' names; nil for one that was not found.
        var names: [String?] = []
        var failures = 0

        /// Does something to the VM with this number; nil if that failed.
        ///
        /// - Throws: The failure, if it is the only VM.
        mutating func make<Value>(_ number: Int, _ step: () throws -> Value) throws -> Value? {
            results.turn(to: number)
            do { return try step() } catch let error as VMError {
                // All that are the caller's, and stay.
                if words == nil, error.condition == .anothers || error.condition == .ephemeral {
                    Message.note(error.summary)
                    return nil
                }
                results.fail(words?[number] ?? names[number], error)
                if words?.count == 1 { throw error }
                Message.error(error)
                failures += 1
                return nil
            }
        }
    }
}

/// `--trust-owner`.
struct TrustOption: ParsableArguments {
    @Flag(name: .customLong("trust-owner"), help: .trustOwner)
    var owner = false

    /// Which users' files are trusted.
    func trust() throws(VMError) -> FileTrust { try Site.current.trust(owner: owner) }
}

/// `--force`.
struct ForceOption: ParsableArguments {
    @Flag(name: .customLong("force"), help: "Also do it to a VM that is protected (PROTECT=yes).")
    var isOn = false
}

/// `--dry-run`.
struct DryRunOption: ParsableArguments {
    @Flag(name: .customLong("dry-run"), help: .dryRun)
    var isOn = false
}

/// The flags of option groups that `start` states itself: each group takes ArgumentParser some 400,000 instructions.
extension ArgumentHelp {
    /// `--trust-owner`.
    static let trustOwner: ArgumentHelp = "Use another account's params file, with that account's rights only."
    /// `--dry-run`.
    static let dryRun: ArgumentHelp = "Print what would be done, and change nothing."
}
