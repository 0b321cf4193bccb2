import ArgumentParser
import SystemPackage
import VMCore
import VMHost
import VMLife
import VMReports

// Which VMs `create` makes, and how.
extension Create {
    /// What is said of one VM alone.
    private struct Wanted {
        /// Its name, or where it is to be.
        var place: String
        var cells: [NewVM.Cell] = []
    }

    /// Whether several are made, even if it is only one in the end.
    private var isSeveral: Bool { count != nil || list != nil }

    /// Refuses words that do not say which VMs are meant.
    func validatePlaces() throws {
        if list == "" { throw ValidationError("--list takes the path of a file") }
        if fromWarm != nil, from != nil { throw ValidationError("--from and --from-warm exclude each other") }
        if fromWarm != nil, image != nil || copy {
            throw ValidationError("--from-warm makes the disks, which excludes --image and --copy")
        }
        if fromWarm != nil, !start {
            throw ValidationError("--from-warm goes with --start: its VMs begin as guests that run")
        }
        if fromWarm == nil, !warmth.conditions.isEmpty { throw ValidationError("--for goes with --from-warm") }
        if list != nil, place != nil { throw ValidationError("--list names the VMs, and no other name is given") }
        if list != nil, count != nil { throw ValidationError("--list and --count exclude each other") }
        if list == nil, place == nil {
            throw ValidationError(
                count == nil ? "name the VM, or use --list" : "name the VMs by a pattern, such as lab-%02d")
        }
        if count == nil, let place, !place.contains("/"), (try? NamePattern(place)) != nil {
            throw ValidationError(
                "\(Printable.quoted(place)) is not a valid VM name; as a pattern of names it goes with --count")
        }
        if place?.isEmpty == true { throw ValidationError("the name is empty") }
        if let count, !(1...NamePattern.most).contains(count) {
            throw ValidationError("--count is 1 to \(NamePattern.most)")
        }
        guard isSeveral else { return }
        for (option, isGiven) in [("--name", name != nil), ("--mac", mac != nil), ("--hostname", seed.hostname != nil)]
        where isGiven {
            throw ValidationError("\(option) is that of one VM, and excludes --count and --list")
        }
    }

    private func wanted() throws(VMError) -> [Wanted] {
        if let list {
            let name = list == "-" ? "stdin" : list
            let bytes =
                list == "-" ? try GivenFile.standardInput() : try GivenFile.content(list, Site.current.trust())
            guard let text = String(validating: bytes, as: UTF8.self) else {
                throw VMError(
                    .badData, name, "is not UTF-8 text", remedy: "convert it first (iconv -f LATIN1 -t UTF-8)")
            }
            return try VMList(text, of: name).rows.map { Wanted(place: $0.name.description, cells: $0.cells) }
        }
        let place = place ?? ""
        guard let count else { return [Wanted(place: place)] }
        return try NamePattern(place).names(count).map { Wanted(place: $0) }
    }

    /// Creates them: all, or none.
    func createAll() throws {
        let wanted = try wanted()
        let warm = try warmModel(for: wanted)
        guard isSeveral else {
            for vm in try created(wanted, from: warm) {
                let outcome = started(vm, from: warm)
                output.print(report(vm, outcome))
                if case .failure(let error) = outcome { throw error }
            }
            return
        }
        try output.list(.create) { results in
            var failed = false
            for (number, vm) in try created(wanted, from: warm).enumerated() {
                let outcome = started(vm, from: warm)
                results.turn(to: number)
                output.print(report(vm, outcome), among: results)
                guard case .failure(let error) = outcome else { continue }
                results.fail(vm.plan.params.name.value.description, error)
                Message.error(error)
                failed = true
            }
            if failed { throw SomeFailed(.partial) }
        }
    }

    /// What was created, or would be.
    ///
    /// - Parameter warm: the image that they go on from.
    private func created(_ wanted: [Wanted], from warm: WarmModel?) throws -> [Creating] {
        let site = try Site.current
        let context = PlanningContext(site, trust: try site.trust(), keepsProbes: !dryRun.isOn)
        let creating = try plan(wanted, site, from: warm, in: context)
        let unseen = try creating.refuseShared()
        (unseen + creating.notices).forEach(Message.note)
        if !dryRun.isOn { try creating.create().forEach { Message.note($0) } }
        return creating.vms
    }

    /// The warm image that they go on from; nil: none.
    private func warmModel(for wanted: [Wanted]) throws -> WarmModel? {
        guard let fromWarm else { return nil }
        // What can't be, is said before a guest is booted for it.
        let site = try Site.current
        var new = vm
        try seed.apply(to: &new, site.trust())
        for one in wanted {
            new.cells = one.cells
            try new.refuseOtherMachine()
        }
        let context = PlanningContext(site, trust: try site.trust(), keepsProbes: !dryRun.isOn)
        return try EndingSignals().heed { signals in
            try WarmModel(
                fromWarm, warmth.wish, isDryRun: dryRun.isOn, in: context, signals, tell: { Message.note($0) })
        }
    }

    private func plan(
        _ wanted: [Wanted], _ site: Site, from warm: WarmModel?, in context: PlanningContext
    ) throws -> CreatingSeveral {
        let image = try image.map { word in
            try ImageForNewVM(word, copies: copy, size: disk.first.flatMap(\.self), in: context)
        }
        var vm = vm
        if let image {
            vm.image = image.image
            vm.disks = [image.size] + disk.dropFirst().compactMap(\.self)
        }
        try seed.apply(to: &vm, site.trust())
        // A model has its own.
        if from == nil, warm == nil { vm.fillIn(site.settings.create) }
        let model = try warm?.model ?? from.map { word in try context.model(word, copying: copy) }
        return try CreatingSeveral(wanted.map(\.place)) { number throws(VMError) in
            var one = vm
            one.cells = wanted[number].cells
            return try Creating(
                one, at: try site.place(forNew: wanted[number].place, in: context), copying: image?.source, like: model,
                in: context)
        }
    }

    /// Starts it, if that is asked for; nil: it is not.
    private func started(_ new: Creating, from warm: WarmModel?) -> Result<Starting.Outcome?, VMError> {
        guard start, !dryRun.isOn else { return .success(nil) }
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
            isDryRun: dryRun.isOn, name: new.plan.params.name.value, file: new.file, paramsText: new.plan.text,
            root: new.place.newRoot, disks: new.images, files: new.plan.files.map(\.path), isOneOfMany: isSeveral,
            started: (try? outcome.get()) ?? nil)
    }
}
