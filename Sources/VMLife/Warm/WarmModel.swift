import Glibc
import SystemPackage
import VMCore
import VMHost

/// A VM whose new copies go on from its warm image, instead of booting. As long as this value lives, the image stays.
package final class WarmModel {
    /// What new VMs are like: their disks are copies of what the image's guest had written to them.
    package let model: ModelOfNewVM
    /// nil: nothing is to be started.
    private let start: WarmStart?
    /// Where the image is, and what it depends on; nil, as above.
    private let made: (directory: WarmDirectory, record: WarmRecord)?
    private let lock: WarmLock?
    private let signals: RunSignals
    private let tell: (String) -> Void

    /// Opens the image, and makes it where there is none.
    ///
    /// - Parameters:
    ///   - word: the VM's name, or the path of its params file.
    ///   - isDryRun: whether it is only told what would become of the image.
    ///   - timeout: how long it may take to make it.
    ///   - signals: those that come to this process.
    ///   - tell: receives what the user should know.
    package init(
        _ word: String, _ wish: Warming.Wish, isDryRun: Bool, timeout: Duration, in context: PlanningContext,
        _ signals: RunSignals, tell: @escaping (String) -> Void
    ) throws(VMError) {
        let found = try context.model(word)
        try Self.refuseChangingDisks(of: found.vm)
        self.signals = signals
        // What is true of the host is said once, not of each VM.
        var told: Set<String> = []
        self.tell = { words in if told.insert(words).inserted { tell(words) } }
        var warming = Warming(
            model: try EphemeralModel(.vm(word), with: []), wish: wish, context: context, signals: signals,
            deadline: Deadline(in: timeout), tell: tell)
        warming.tellsAtOnce = true
        if isDryRun {
            let directory = try warming.directory()
            if let obstacle = try warming.obstacle(of: directory) {
                tell("the warm image \(directory.name) would be made first\(obstacle.words.map { ": \($0)" } ?? "")")
            }
            model = found.with(WarmStart(directory.name, in: directory.path))
            (start, made) = (nil, nil)
            lock = nil
        } else {
            let ready = try warming.ready()
            (model, start) = (found.with(ready.start), ready.start)
            let directory = ready.directory
            made = try directory.readRecord().map { (directory, $0) }
            lock = ready.keptLock()
        }
    }

    /// What a guest had written, no longer fits a disk that has changed since.
    private static func refuseChangingDisks(of model: ModelVM) throws(VMError) {
        let written = model.params.disks.filter { !$0.readOnly.value }
        guard let first = written.first else { return }
        let name = model.params.name.value
        guard model.params.template.value else {
            throw VMError(
                .usage, "--from-warm",
                "\(name) is not a template: what it writes to DISK\(first.index) would change the disks of the new VMs",
                remedy: "say in its file that it is one: TEMPLATE=yes")
        }
        if let missing = written.first(where: { model.images[$0.index] == nil }) {
            throw VMError(
                .notFound, missing.path.value.string, "does not exist, and DISK\(missing.index) of \(name) is there",
                remedy: "a template for warm starts has all its disks")
        }
    }

    /// Refuses an image that is no longer what was opened, or whose guest would go on with another disk than it had.
    private func refuseChanged(for vm: VMName) throws(VMError) {
        guard let (directory, record) = made else { throw VMError(.bug, vm.description, "has no warm image") }
        let changes =
            try record.changesOfFiles { path throws(VMError) in try FileStamp(of: path) }
            + record.damages(try directory.content())
        guard !changes.isEmpty else { return }
        throw VMError(
            .badData, vm.description, "the warm image \(directory.name) can't be used any more",
            remedy: "remove this VM, and create it again: the image is made anew then", details: changes)
    }

    /// The signal that has ended it early.
    package var interruption: Int32? { signals.first }

    /// Starts a new VM from the image, and gives it an identity of its own. Should that fail, it does not run: it would be a
    /// twin of others.
    package func start(_ new: Creating, in context: PlanningContext) throws(VMError) -> Starting.Outcome {
        let vm = try context.site.find(new.file.string, in: context)
        guard !signals.isInterrupted else { throw VMError(.busy, vm.name.description, "interrupted") }
        guard let start else { throw VMError(.bug, vm.name.description, "has no warm image") }
        let file = try context.file(of: vm)
        // What keeps its NICs from being plugged is found before anything runs.
        if !file.params.nics.isEmpty { _ = try Starting(file, of: vm, in: context).plan(to: .start) }
        try refuseChanged(for: vm.name)
        var starting = Starting.warm(
            file, of: vm, start, discardsWrites: false, tie: .untilCalledOff, in: context)
        var turns: AgentTurns?
        var end: EndGuard?
        starting.whenSpawned = {
            end = $0
            turns = AgentTurns(connectingEarlyTo: vm)
        }
        let outcome = try starting.start { $0.forEach(tell) }
        guard case .resumed(let entry) = outcome else { return outcome }
        do throws(VMError) {
            try refuseChanged(for: vm.name)
            let hostname = file.params.cloudInit?.hostname?.value ?? CloudSeed.hostname(of: vm.name)
            try WakingUp(vm: vm, file: file, hostname: hostname, context: context, tell: tell)
                .run(turns ?? AgentTurns(vm))
        } catch {
            if (try? vm.stopping(timeout: .zero).stop()) == nil { try vm.cutPower() }
            throw error
        }
        end.take()?.callOff()
        if !file.params.forwards.isEmpty {
            tell("\(vm.name): FORWARDn counts from its next start: its NICs were plugged into a guest that ran already")
        }
        return .started(entry)
    }
}

extension ModelOfNewVM {
    /// The same, with disks that are copies of what a guest had written.
    fileprivate func with(_ start: WarmStart) -> ModelOfNewVM {
        var vm = vm
        for (index, image) in vm.images {
            vm.images[index] = image.map { base in
                var image = base
                image.overlay = start.disk(index)
                return image
            }
        }
        return ModelOfNewVM(vm: vm, sources: sources)
    }
}
