import CLinux
import SystemPackage
import VMCore
import VMHost
import VMLife
import VMReports

/// Makes VMs, all or none, starts them if that is asked for, and reports each.
struct NewVMs {
    let output: OutputOptions
    let isDryRun: Bool
    /// Whether a list is reported, even if only one is made in the end.
    let isSeveral: Bool
    let areStarted: Bool
    /// The image that they go on from; nil: none.
    var warm: WarmModel?

    /// - Parameter plan: plans them.
    func make(_ plan: (PlanningContext) throws -> CreatingSeveral) throws {
        guard isSeveral else {
            for vm in try made(plan) {
                let outcome = started(vm)
                output.print(report(vm, outcome))
                guard case .failure(let error) = outcome else { continue }
                guard let signal = warm?.interruption else { throw error }
                Message.error(error)
                throw GuestExit(code: 128 + signal)
            }
            return
        }
        try output.list(.create) { results in
            var failed = false
            for (number, vm) in try made(plan).enumerated() {
                let outcome = started(vm)
                results.turn(to: number)
                output.print(report(vm, outcome), among: results)
                guard case .failure(let error) = outcome else { continue }
                results.fail(vm.plan.params.name.value.description, error)
                Message.error(error)
                failed = true
            }
            if failed, let signal = warm?.interruption { throw GuestExit(code: 128 + signal) }
            if failed { throw SomeFailed(.partial) }
        }
    }

    /// What was made, or would be.
    private func made(_ plan: (PlanningContext) throws -> CreatingSeveral) throws -> [Creating] {
        let site = try Site.current
        let context = PlanningContext(site, trust: try site.trust(), keepsProbes: !isDryRun)
        let new = try plan(context)
        let unseen = try new.refuseShared()
        try new.refuseLackOfRoom()
        (unseen + new.notices).forEach(Message.note)
        if !isDryRun { try create(new).forEach { Message.note($0) } }
        return new.vms
    }

    /// Creates them. Copies of disks may take long: then it is shown how far they are, and a signal ends them.
    private func create(_ new: CreatingSeveral) throws -> [String] {
        let total = new.copied
        guard total > 0 else { return try new.create() }
        clinux_collect_signals()
        let meter = CopyMeter()
        defer { meter.clear() }
        let copying = DiskCopying(isInterrupted: { meter.isInterrupted }) { done, disk in
            meter.show(CopyProgress(done: min(done, total), total: total, file: disk))
        }
        do throws(VMError) { return try new.create(by: copying) } catch {
            guard let taken = meter.taken else { throw error }
            meter.clear()
            Message.error(error)
            throw GuestExit(code: 128 + taken)
        }
    }

    /// Starts it, if that is asked for; nil: it is not.
    private func started(_ new: Creating) -> Result<Starting.Outcome?, VMError> {
        guard areStarted, !isDryRun else { return .success(nil) }
        return Result { () throws(VMError) in
            let site = try Site.current
            // What is known of the VMs is from before it was there.
            let context = PlanningContext(site, trust: try site.trust(), keepsProbes: true)
            do throws(VMError) {
                if let warm { return try warm.start(new, in: context) }
                return try site.find(new.file.string, in: context).startSayingNotices(StartOptions(), in: context)
            } catch {
                var failure = error
                failure.details.append("\(new.plan.params.name.value) was created, and does not run")
                throw failure
            }
        }
    }

    private func report(_ new: Creating, _ outcome: Result<Starting.Outcome?, VMError>) -> CreateReport {
        CreateReport(
            isDryRun: isDryRun, name: new.plan.params.name.value, file: new.file, paramsText: new.plan.text,
            root: new.place.newRoot, disks: new.images, files: new.plan.files.map(\.path), isOneOfMany: isSeveral,
            started: (try? outcome.get()) ?? nil)
    }
}
