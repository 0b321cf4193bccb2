import SystemPackage
import VMCore

// A template (`TEMPLATE=yes`) is never started.
extension Starting {
    /// Refuses a VM that is there to make others of.
    ///
    /// - Throws: `.busy`.
    package func refuseTemplate() throws(VMError) {
        guard params.template.value else { return }
        throw VMError(
            .busy, vm.name.description, "is a template (\(params.place(params.template.origin))), and is not started",
            remedy: "make a VM of it: kvmctl create NEW --from \(vm.name); TEMPLATE=no makes it one itself")
    }
}

extension Machine {
    /// Whether it is a template, and does not run: then a command about all VMs has nothing to start.
    package func isTemplateAtRest(in context: PlanningContext) throws(VMError) -> Bool {
        // What is wrong with its file, its start says.
        guard !file.isEmpty, let params = try? context.params(at: file), params.template.value else { return false }
        return try !mayRun()
    }
}
