import VMCore

extension PlanningContext {
    /// Where other VMs' files name a VM in START_AFTER, for people. Nothing keeps that up to date.
    package func mentions(of vm: Machine) -> [String] {
        site.definitions().files.compactMap { file in
            guard file != vm.file, let params = try? glance(at: file), let after = params.service.after,
                after.value.contains(vm.name)
            else { return nil }
            return params.place(after.origin)
        }
    }
}
