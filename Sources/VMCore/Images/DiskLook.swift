import SystemPackage

/// What a look at a disk shows.
package struct DiskLook: Equatable, Sendable {
    /// The VM whose disk it is; nil: it was looked at by its path.
    package var vm: VMName?
    /// `DISKn`; nil: no VM's, or it was attached and the VM does not say as what.
    package var device: String?
    /// Its path.
    package var path: FilePath
    /// The format that the VM's file gives it; nil: none.
    package var declared: DiskFormat?
    /// The image, then what it stands on, the nearest first.
    package var chain: [DiskLayer]
    /// Who uses it; nil: nobody looked.
    package var users: Users?

    /// Describes a disk; see the properties.
    package init(vm: VMName?, device: String?, path: FilePath, declared: DiskFormat?, chain: [DiskLayer]) {
        (self.vm, self.device, self.path, self.declared, self.chain) = (vm, device, path, declared, chain)
    }

    /// The image itself.
    package var image: DiskLayer { chain.first ?? DiskLayer(.disk, path.string) }

    /// In what its image is not what the VM's file says, or why no QEMU opens it, in words after its path.
    package var objection: String? {
        if let loop = chain.first(where: \.isAbove) { return "stands on itself: \(loop.name) comes above it already" }
        return vm == nil && declared == nil ? nil : image.found?.content?.objection(to: declared)
    }

    /// Why something that belongs to it could not be looked at.
    package var obstacles: [VMError] { chain.compactMap(\.obstacle) + [users?.obstacle].compactMap(\.self) }

    /// Who uses a disk.
    package struct Users: Equatable, Sendable {
        /// The VMs, and for what.
        package var vms: [DiskUse] = []
        /// Those of them that run, and so have it open.
        package var running: [VMName] = []
        /// This host itself.
        package var host: HostUse?
        /// Why more VMs may use it, or the host may.
        package var obstacle: VMError?

        /// None is known yet.
        package init() {}
    }

    /// Whether a process has it open of which no running VM is known.
    package var isOpenElsewhere: Bool { users?.running.isEmpty == true && image.found?.locks?.isEmpty == false }
}
