import Glibc
import SystemPackage
import VMCore
import VMHost

/// A command in a VM that exists for it alone: booted for it, and gone after it.
package final class EphemeralRun {
    /// What is to be run, and how.
    package struct Wish {
        package var command: GuestCommand
        /// Whether the shell on the serial console runs it, whatever the agent says.
        package var usesConsole = false
        /// Who logs in if the console asks for that.
        package var login: SerialLogin?
        /// Whether the command reads nothing of this process's input.
        package var hasNoInput = false
        /// What is copied before and after: from where to where.
        package var copiesIn: [(from: String, to: String)] = []
        package var copiesOut: [(from: String, to: String)] = []
        /// How long all of it may take; nil: the command as long as it likes.
        package var timeout: Duration?
        /// What image the run starts from, instead of booting; nil: none.
        package var warm: Warming.Wish?
        /// Whether the VM stays if the command fails.
        package var keepsOnFailure = false

        package init(_ command: GuestCommand) { self.command = command }
    }

    /// The streams of the command.
    package struct Streams {
        package var output: OutputStream
        package var errors: OutputStream

        package init(output: OutputStream, errors: OutputStream) { (self.output, self.errors) = (output, errors) }
    }

    /// How it ended.
    package struct Outcome {
        /// The command's exit code, or what stands for it.
        package var code: Int32
        /// What went wrong, apart from the command's own failure.
        package var problems: [VMError] = []
        /// How long the command took, or the way to it.
        package var taken = Duration.zero
        /// The VM, if it stays.
        package var kept: VMName?
        /// Whether that is the command's own: it was run, and what went wrong besides did not change it.
        package var isCommandsOwn = false
        /// Whether it was run, and the guest is there still.
        var mayCopyOut = false

        /// Notes that kvmctl failed in what it had to do besides. The command's own failure comes first.
        mutating func note(_ problems: [VMError]) {
            self.problems += problems
            if code == 0, !problems.isEmpty { (code, isCommandsOwn) = (CommandEnd.ownFailure, false) }
        }
    }

    let vm: Machine
    let wish: Wish
    let signals: RunSignals
    private var mark: EphemeralMark?
    /// Ends QEMU with this process, where the kernel does not, because QEMU may be to stay.
    private var endGuard: EndGuard?
    /// When the run is to have ended; nil: when it has.
    let deadline: Deadline?
    /// Whether the guest is waited for, which ends in time also if none was said.
    private var isBooting = false
    /// Why QEMU has halted the guest, if a disk is to blame, and when that is looked at again.
    var diskFailure: PauseReason?
    var diskLook = Deadline(in: .seconds(1))
    /// What is said of the start, which is of interest if the guest gets nowhere.
    private(set) var notices: [String] = []

    let context: PlanningContext
    /// What the VM is made of.
    let file: VMFile
    /// The warm image that it was started from.
    private var image: Warming.Image?
    /// The way to the agent of a guest that goes on from that.
    private var warmTurns: AgentTurns?
    /// Receives what the user should know meanwhile.
    let tell: (String) -> Void

    private init(
        _ vm: Machine, _ file: VMFile, _ wish: Wish, _ signals: RunSignals, _ mark: consuming EphemeralMark,
        _ context: PlanningContext, by deadline: Deadline?, tell: @escaping (String) -> Void
    ) {
        (self.vm, self.file, self.wish, self.signals) = (vm, file, wish, signals)
        (self.context, self.deadline, self.tell) = (context, deadline, tell)
        self.mark = consume mark
    }

    /// What its start would do.
    ///
    /// - Parameter warm: what image it starts from, instead of booting; nil: none.
    package static func plan(
        _ model: EphemeralModel, from warm: Warming.Wish? = nil, in context: PlanningContext
    ) throws(VMError) -> (plan: LaunchPlan, notices: [String]) {
        guard let name = VMName("run-XXXXXX") else { throw VMError(.bug, "run", "has no name") }
        if let warm { return try Warming(looking: model, wish: warm, in: context).plan(of: name) }
        let starting = starting(try model.file(named: name, in: context), Wish(GuestCommand([])), in: context)
        let plan = try starting.plan(to: .show(isRunning: false))
        return (plan, starting.notices(of: plan))
    }

    private static func starting(
        _ file: VMFile, _ wish: Wish, from image: WarmStart? = nil, in context: PlanningContext
    ) -> Starting {
        let vm = Machine(name: file.params.name.value, file: file.params.file, site: context.site)
        let tie = wish.keepsOnFailure ? StarterTie.untilCalledOff : .always
        if let image { return .warm(file, of: vm, image, tie: tie, in: context) }
        var options = StartOptions()
        (options.discardsWrites, options.tie) = (true, tie)
        return Starting(file, of: vm, options: options, in: context)
    }

    /// Starts the VM. To be called by the main thread: QEMU ends with the thread that made it.
    ///
    /// - Parameters:
    ///   - signals: those that come to this process.
    ///   - tell: receives what the user should know.
    /// - Throws: why it can't be started. Then nothing is left of it.
    package static func begin(
        _ model: EphemeralModel, _ wish: Wish, in context: PlanningContext, _ signals: RunSignals,
        tell: @escaping (String) -> Void
    ) throws(VMError) -> EphemeralRun {
        let deadline = wish.timeout.map { Deadline(in: $0) }
        var image: Warming.Image?
        if let warm = wish.warm {
            let warming = Warming(
                model: model, wish: warm, context: context, signals: signals, deadline: deadline ?? Deadline(in: boot),
                tell: tell)
            image = try warming.ready()
        }
        let mark = try EphemeralMark.make(in: context.site.paths)
        let name = mark.name
        let vm = Machine(name: name, file: "", site: context.site)
        do throws(VMError) {
            let file = try model.file(named: name, in: context)
            var starting = starting(file, wish, from: image?.start, in: context)
            var turns: AgentTurns?
            let own = starting.vm
            var end: EndGuard?
            let isWarm = image != nil
            starting.whenSpawned = {
                end = $0
                if isWarm { turns = AgentTurns(connectingEarlyTo: own) }
            }
            var notices: [String] = []
            _ = try starting.start { notices += $0 }
            // QEMU has it open.
            image?.lock.close()
            let run = EphemeralRun(starting.vm, file, wish, signals, mark, context, by: deadline, tell: tell)
            run.warmTurns = turns
            run.notices = notices
            run.image = consume image
            run.endGuard = end.take()
            return run
        } catch {
            var error = error.without(name)
            do throws(VMError) { if try vm.removeEphemeral() { mark.remove() } } catch let left {
                error.details.append(left.summary)
            }
            throw error
        }
    }

    /// How long a guest may take to boot if nothing was said.
    static let boot = Duration.seconds(300)

    /// Waits for the guest, copies, runs the command, copies, and ends the VM.
    ///
    /// - Parameter input: what the command reads; to be asked for when it begins.
    package func run(
        _ streams: Streams, input: (inout GuestCommand) throws(VMError) -> PieceSource?
    ) -> Outcome {
        signals.cutPower = { [vm] in
            if let holder = vm.observe().holder { (try? vm.process(holder))??.signal(SIGKILL) }
        }
        var outcome = Outcome(code: 0)
        let began = ContinuousClock.now
        do throws(VMError) {
            let way: Way
            if let warm = wish.warm {
                let turns = warmTurns.take() ?? AgentTurns(vm)
                let hostname = warm.hasFreshIdentity ? vm.name.description : nil
                try WakingUp(vm: vm, file: file, hostname: hostname, context: context, tell: tell).run(turns)
                if !wish.copiesIn.isEmpty { turns.end() }
                way = .agent(turns)
            } else {
                isBooting = true
                way = try wayInside()
                isBooting = false
            }
            try copyIn(by: way)
            let begins = ContinuousClock.now
            defer { outcome.taken = .now - begins }
            switch try execute(by: way, streams, input) {
            case .exited(let code): (outcome.code, outcome.isCommandsOwn, outcome.mayCopyOut) = (code, true, true)
            case .overran(let error):
                var overrun = overrun
                overrun.details = error.details + overrun.details
                (outcome.code, outcome.problems) = (VMError.Code.timedOutExit, [overrun])
                outcome.mayCopyOut = true
            }
        } catch { (outcome.code, outcome.problems) = (code(of: error), [explained(error)]) }
        if outcome.taken == .zero { outcome.taken = .now - began }
        copyOut(&outcome)
        if let signal = signals.first { (outcome.code, outcome.problems) = (128 + signal, []) }
        finish(&outcome)
        return outcome
    }

    private func code(of error: VMError) -> Int32 {
        // An agent that is silent, say, has nothing to do with the run's time.
        let isLate = deadline?.hasPassed == true || isBooting && error.code == .timedOut
        return isLate ? VMError.Code.timedOutExit : CommandEnd.ownFailure
    }

    // The end

    private func finish(_ outcome: inout Outcome) {
        guard let mark = mark.take() else { return }
        do throws(VMError) {
            if wish.keepsOnFailure, outcome.code != 0, signals.first == nil {
                try mark.keep()
                endGuard.take()?.callOff()
                outcome.kept = vm.name
            } else if try vm.removeEphemeral() {
                mark.remove()
            }
        } catch { outcome.note([error]) }
        guard outcome.kept == nil else { return }
        outcome.problems = outcome.problems.map { $0.without(vm.name) }
    }
}

extension VMError.Code {
    /// The exit code when a deadline has passed.
    fileprivate static let timedOutExit: Int32 = 124
}
