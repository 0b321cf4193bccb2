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
    private var isSeveral: Bool { options.count != nil || list != nil }

    /// Refuses words that do not say which VMs are meant.
    func validatePlaces() throws {
        if list == "" { throw ValidationError("--list takes the path of a file") }
        if fromWarm != nil, from != nil { throw ValidationError("--from and --from-warm exclude each other") }
        if fromWarm != nil, image != nil || copy {
            throw ValidationError("--from-warm makes the disks, which excludes --image and --copy")
        }
        if fromWarm != nil, !options.start {
            throw ValidationError("--from-warm goes with --start: its VMs begin as guests that run")
        }
        if fromWarm == nil, !warmth.conditions.isEmpty { throw ValidationError("--for goes with --from-warm") }
        if fromWarm == nil, timeout != nil {
            throw ValidationError("--timeout goes with --from-warm: it is for the making of the warm image")
        }
        if list != nil, place != nil { throw ValidationError("--list names the VMs, and no other name is given") }
        if list != nil, options.count != nil { throw ValidationError("--list and --count exclude each other") }
        if list == nil, place == nil {
            throw ValidationError(
                options.count == nil ? "name the VM, or use --list" : "name the VMs by a pattern, such as lab-%02d")
        }
        try options.validate(place)
        guard isSeveral else { return }
        try options.refuseForSeveral([("--hostname", seed.hostname != nil)], by: "--count and --list")
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
        return try options.places(place ?? "").map { Wanted(place: $0) }
    }

    /// Creates them: all, or none.
    func createAll() throws {
        let wanted = try wanted()
        if options.start { try refuseTemplates(wanted) }
        let warm = try warmModel(for: wanted)
        let new = NewVMs(
            output: output, isDryRun: dryRun.isOn, isSeveral: isSeveral, areStarted: options.start, warm: warm)
        try new.make { context in try plan(wanted, context.site, from: warm, in: context) }
    }

    private func refuseTemplates(_ wanted: [Wanted]) throws(VMError) {
        var new = vm
        for one in wanted {
            new.cells = one.cells
            try new.refuseStartOfTemplate()
        }
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
        return try EndingSignals().heed { signals in
            let open = { (isDryRun: Bool, tell: @escaping (String) -> Void) in
                let context = PlanningContext(site, trust: try site.trust(), keepsProbes: !isDryRun)
                return try WarmModel(
                    fromWarm, warmth.wish, isDryRun: isDryRun, timeout: timeout ?? WarmingUp.patience, in: context,
                    signals, tell: tell)
            }
            if !dryRun.isOn { try refuse(wanted, site, from: try open(true) { _ in }) }
            return try open(dryRun.isOn) { Message.note($0) }
        }
    }

    /// Refuses VMs that can't be created, by what is known without their warm image.
    private func refuse(_ wanted: [Wanted], _ site: Site, from warm: WarmModel) throws {
        // What is looked at is looked at again afterwards: others may be created meanwhile.
        let context = PlanningContext(site, trust: try site.trust(), keepsProbes: true)
        let new = try plan(wanted, site, from: warm, in: context)
        _ = try new.refuseShared()
        try new.refuseLackOfRoom()
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
}
