import Glibc
import SystemPackage
import VMCore
import VMHost

extension PlanningContext {
    /// The order in which VMs can be removed: a template, or a VM whose disk is below others', after those that need it.
    ///
    /// - Parameter vms: the VMs; nil: one that was not found.
    /// - Returns: their numbers, those of the ones that were not found too.
    package func orderOfRemoval(_ vms: [Machine?]) -> [Int] {
        guard vms.count > 1 else { return Array(vms.indices) }
        let claims = allClaims
        var numbers: [FilePath: Int] = [:]
        for (number, vm) in vms.enumerated() { if let vm { numbers[vm.file] = number } }
        let standing = vms.enumerated().map { number, vm -> Set<Int> in
            // What can't be read now is in no other's way: its own removal will say why.
            guard let vm, let params = try? glance(at: vm.file) else { return [] }
            let disks = params.disks.compactMap { disk in (try? status(of: disk.path.value)).flatMap { $0 } }
            let dependents = disks.flatMap { claims.dependents(on: $0, isTemplate: params.template.value) }
            return Set(dependents.compactMap { numbers[$0] }).subtracting([number])
        }
        return RemovalOrder.of(standing)
    }
}
