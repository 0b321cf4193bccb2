import SystemPackage
import VMCore
import VMHost

/// A warm image for the runs of a model: found, or made.
package struct Warming {
    /// What is wanted.
    package struct Wish {
        /// What the guest has to have reached when it is saved.
        package var conditions: Waiting.Wish
        /// kvmctl's version, on which the image depends too.
        package var version: String
        /// Whether each run gets a host name and a machine-id of its own.
        package var hasFreshIdentity = false

        package init(_ conditions: Waiting.Wish, version: String) {
            (self.conditions, self.version) = (conditions, version)
        }
    }

    let model: EphemeralModel
    let wish: Wish
    let context: PlanningContext
    let signals: RunSignals
    /// How long all of it may take.
    let deadline: Deadline
    let tell: (String) -> Void
    /// Whether it is said at once that an image is made; else only once that takes long, as a run says nothing of itself.
    var tellsAtOnce = false

    private var site: Site { context.site }

    /// For a look alone, which waits for nothing.
    init(looking model: EphemeralModel, wish: Wish, in context: PlanningContext) {
        self.init(
            model: model, wish: wish, context: context, signals: RunSignals { 0 }, deadline: Deadline(in: .zero)
        ) { _ in }
    }

    init(
        model: EphemeralModel, wish: Wish, context: PlanningContext, signals: RunSignals, deadline: Deadline,
        tell: @escaping (String) -> Void
    ) {
        (self.model, self.wish, self.context) = (model, wish, context)
        (self.signals, self.deadline, self.tell) = (signals, deadline, tell)
    }

    /// An image that can be started from.
    struct Image: ~Copyable {
        let directory: WarmDirectory
        let lock: WarmLock
        /// Whether it was made for this.
        let isNew: Bool

        var start: WarmStart { WarmStart(directory.name, in: directory.path) }

        /// Its lock alone, which keeps it.
        consuming func keptLock() -> WarmLock { lock }
    }

    /// Where the image is, or will be.
    func directory() throws(VMError) -> WarmDirectory {
        WarmDirectory(try model.warmName(wish.conditions.conditions, in: context), in: site.paths)
    }

    /// How long others may have the image open to look at it, as this does, without making it.
    private static let look = Duration.seconds(1)

    /// Opens the image of the model, and makes it if there is none, or if what it depends on has changed.
    func ready() throws(VMError) -> Image {
        let directory = try directory()
        var lock = try directory.openLock()
        var (isWaiting, isNew) = (false, false)
        // Begins when another one is met.
        var silence: Deadline?
        while true {
            if !lock.isStillThere() { lock = try directory.openLock() }
            if try lock.tryOpen() {
                if lock.isStillThere(), try obstacle(of: directory) == nil {
                    directory.touch()
                    try lock.use()
                    return Image(directory: directory, lock: lock, isNew: isNew)
                }
                lock.close()
            }
            if try lock.tryTake() {
                guard lock.isStillThere() else { continue }
                // Another command may have made it meanwhile.
                if let obstacle = try obstacle(of: directory) {
                    if let words = obstacle.words { tell("\(directory.name): the warm image is made anew: \(words)") }
                    if tellsAtOnce { tellOfBoot(for: directory) }
                    do throws(VMError) { try WarmMaking(self, directory).make(obstacle.now) } catch {
                        if (try? directory.exists()) == false { lock.remove() }
                        throw error
                    }
                    isNew = true
                }
                silence = nil
                lock.close()
                continue
            }
            let end = silence ?? Deadline(in: Self.look)
            silence = end
            if !isWaiting, end.hasPassed {
                tell("\(directory.name): another command is making the warm image")
                isWaiting = true
            }
            try refuseToWait(for: directory)
            pause(.milliseconds(20))
        }
    }

    /// Says what is waited for.
    func tellOfBoot(for directory: WarmDirectory) {
        tell(
            "\(directory.name): the warm image is being made: \(model.called) boots, and may take "
                + "\((deadline.remaining.wholeMilliseconds + 500) / 1000) s until it is up (--timeout)")
    }

    private func refuseToWait(for directory: WarmDirectory) throws(VMError) {
        if signals.isInterrupted { throw VMError(.busy, directory.name.description, "interrupted") }
        guard deadline.hasPassed else { return }
        throw VMError(
            .timedOut, directory.name.description, "another command has been making the warm image all the time",
            remedy: "give it more time with --timeout")
    }

    /// Why an image can't be used.
    struct Obstacle {
        /// What one that can be used depends on.
        var now: WarmRecord
        /// What has changed; nil: there is none.
        var words: String?
    }

    /// Why there is none that can be used; nil: there is.
    func obstacle(of directory: WarmDirectory) throws(VMError) -> Obstacle? {
        let now = try record(of: directory)
        guard try directory.exists() else { return Obstacle(now: now, words: nil) }
        guard let old = try directory.readRecord() else {
            return Obstacle(now: now, words: "it was made by another kvmctl, or never completed")
        }
        let changes = old.changes(to: now) + old.damages(try directory.content())
        guard let first = changes.first else { return nil }
        return Obstacle(now: now, words: changes.count == 1 ? first : "\(first); and \(changes.count - 1) more changes")
    }

    /// What the start of a run from the image would do, and what would be done besides. Touches nothing.
    func plan(of name: VMName) throws(VMError) -> (plan: LaunchPlan, notices: [String]) {
        let directory = try directory()
        let obstacle = try obstacle(of: directory)
        let file = try model.file(named: name, in: context)
        let vm = Machine(name: name, file: file.params.file, site: site)
        let starting = Starting.warm(file, of: vm, WarmStart(directory.name, in: directory.path), in: context)
        let plan = try starting.plan(to: .show(isRunning: false))
        var notices = starting.notices(of: plan)
        if let obstacle {
            let why = obstacle.words.map { " anew: \($0)" } ?? ""
            notices.insert("the warm image \(directory.name) would be made first\(why)", at: 0)
        }
        let cards = file.params.nics.map { "NET\($0.index) (\($0.network.value))" }
        if !cards.isEmpty { notices.append("plugged when it runs: \(cards.joined(separator: ", "))") }
        return (plan, notices)
    }

    /// What a start from the image depends on, as it is now.
    func record(of directory: WarmDirectory) throws(VMError) -> WarmRecord {
        let file = try model.file(named: directory.name, in: context)
        let vm = Machine(name: directory.name, file: file.params.file, site: site)
        let start = WarmStart(directory.name, in: directory.path)
        let plan = try Starting.warm(file, of: vm, start, in: context).plan(to: .start)
        guard plan.shares.isEmpty else {
            throw VMError(
                .unavailable, plan.file.string,
                "shares a directory, whose server can't be saved with the machine",
                remedy: "boot it instead, without a warm image; or leave the share out, and copy what it needs")
        }
        return try WarmRecord(
            plan, model: model.title(file), version: wish.version, conditions: wish.conditions.conditions,
            processor: .ofThisHost()
        ) { path throws(VMError) in try FileStamp(of: path) }
    }
}

extension Starting {
    /// A start that makes a warm image, or goes on from it. Its NICs are plugged when it runs: a saved one would have the same
    /// address in each copy.
    static func warm(
        _ file: VMFile, of vm: Machine, _ warm: WarmStart, discardsWrites: Bool = true, tie: StarterTie = .always,
        in context: PlanningContext
    ) -> Starting {
        var (file, options) = (file, StartOptions(discardsWrites: discardsWrites))
        (options.warm, options.tie) = (warm, tie)
        file.params.nics = []
        return Starting(file, of: vm, options: options, in: context)
    }
}
