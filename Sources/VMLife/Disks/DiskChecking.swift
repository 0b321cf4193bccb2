import Glibc
import SystemPackage
import VMCore
import VMHost

/// What a check of a disk found.
package struct CheckedDisk: Equatable, Sendable {
    /// The VM whose disk it is; nil: it was named by its path.
    package var vm: VMName?
    /// `DISKn`.
    package var device: String?
    /// Its path.
    package var path: FilePath
    /// Its format.
    package var format: DiskFormat
    /// What was found; nil: it is raw, which has no structure that could be damaged.
    package var check: QCOW2Check?
    /// Whether it was to be repaired.
    package var isRepaired = false
    /// What it stands on, the nearest first. That is not checked.
    package var below: [DiskLayer] = []
    /// Why it can't be told of all processes whether they have it open, if it was to be repaired.
    package var unseen: VMError?

    /// A disk that was checked; see the properties.
    package init(vm: VMName?, device: String?, path: FilePath, format: DiskFormat, check: QCOW2Check? = nil) {
        (self.vm, self.device, self.path, self.format, self.check) = (vm, device, path, format, check)
    }

    /// Why it can't be read as a whole although it has no errors itself; nil: nothing is known of that.
    private var gap: VMError? {
        if let loop = below.first(where: \.isAbove) {
            return VMError(.badData, path.string, "stands on itself: \(loop.name) comes above it already")
        }
        guard let lost = below.first(where: \.isMissing) else { return nil }
        return VMError(
            .notFound, path.string, "stands on \(lost.name), which does not exist",
            remedy: "restore that from a backup, or mount what should hold it")
    }

    /// The damage that is left; or why it can't be read.
    package var damage: VMError? {
        guard let check, check.isDamaged else { return gap }
        return VMError(
            .badData, path.string, "is damaged: \(check)",
            remedy: isRepaired
                ? "what is left can't be repaired: restore the disk from a backup"
                : "copy it first; then --repair may help, but what the guest had at the damaged places may be lost",
            details: Array(check.messages.prefix(3)))
    }
}

/// A check of a disk, which may be repaired.
private struct DiskChecking {
    let context: PlanningContext
    let disk: NamedDisk
    /// Whether it is to be repaired.
    let isRepair: Bool
    /// Whether that is only planned.
    let isDryRun: Bool

    func run() throws(VMError) -> CheckedDisk {
        let image = try ImageToCheck.open(disk.path, context.trust, writing: isRepair)
        var checked = CheckedDisk(
            vm: disk.vm, device: disk.device, path: disk.path, format: try format(of: image.header))
        guard checked.format == .qcow2 else { return checked }
        checked.below = Array(disk.look().chain.dropFirst())
        // The VM that has it can't be started meanwhile. Its file may be known by several names, or be behind a device.
        let files = context.allClaims.owners(of: image.status, behind: HostDisks().filesBehind(image.status))
        let owners = files.compactMap { file in
            (try? context.glance(at: file)).map {
                Machine(name: $0.name.value, file: file, site: context.site)
            }
        }
        checked.isRepaired = isRepair && !isDryRun
        if isRepair { checked.unseen = try refuseOpen(image) }
        if let owner = owners.first, checked.isRepaired {
            checked.check = try owner.operate { () throws(VMError) in try check(image, owners) }
        } else {
            checked.check = try check(image, owners)
        }
        return checked
    }

    private func check(_ image: borrowing ImageToCheck, _ owners: [Machine]) throws(VMError) -> QCOW2Check {
        try refuseUsed(image)
        for owner in owners where isRepair {
            guard try owner.isSuspended() else { continue }
            throw VMError(
                .busy, disk.path.string,
                "is a disk of the VM \(owner.name), which is suspended and goes on with it as it is",
                remedy: "start that VM and shut its guest down first")
        }
        do throws(VMError) { return try image.check(repairing: isRepair && !isDryRun) } catch {
            // It may have been opened since.
            try refuseLocked(image)
            throw error
        }
    }

    /// Its format: as its VM's file has it, else as it begins.
    private func format(of header: [UInt8]) throws(VMError) -> DiskFormat {
        let content = ImageContent(header: header)
        if disk.format != nil || disk.vm != nil, let objection = content.objection(to: disk.format) {
            throw VMError(
                .badData, disk.path.string, objection,
                remedy: "correct \(disk.device ?? "DISKn")_FORMAT in the VM's file, if that is wrong")
        }
        switch (disk.format, content) {
        case (.raw?, _), (nil, .raw): return .raw
        case (.qcow2?, _), (nil, .qcow2): return .qcow2
        case (nil, .other(let name)):
            throw VMError(.unavailable, disk.path.string, "looks like a \(name) image, which kvmctl does not open")
        }
    }

    /// Refuses an image that is in use. A check is done beside those that only read, a repair is not.
    private func refuseUsed(_ image: borrowing ImageToCheck) throws(VMError) {
        let (claims, host) = (context.allClaims, HostDisks())
        if let obstacle = claims.obstacle { throw obstacle }
        try refuseLocked(image)
        let uses = claims.uses(of: image.found, image.status, besides: "", host)
        let running = claims.uses(of: image.status).first(where: \.isOfRunning)
        if let use = running ?? uses.first(where: { $0.excludes(writable: isRepair) }) {
            let remedy: Remedy =
                use.isBacking ? "repair a copy of it, and see whether that is as it should be" : use.remedy
            throw VMError(.busy, disk.path.string, use.words, remedy: remedy)
        }
        if let obstacle = host.obstacle { throw obstacle }
        guard isRepair, let gap = claims.gap(besides: "", at: disk.path) else { return }
        throw VMError(
            .busy, disk.path.string, "\(gap), so a VM might use it",
            remedy: "make that readable first, or run kvmctl as root")
    }

    /// Refuses an image that some process has open for writing without QEMU's locks.
    ///
    /// - Returns: why that can't be told of all processes.
    private func refuseOpen(_ image: borrowing ImageToCheck) throws(VMError) -> VMError? {
        // Those that have locks are told of with more: which VM it is.
        try refuseUsed(image)
        let use = FileUse(of: disk.path, image.status, behind: HostDisks().filesBehind(image.status))
        guard let user = use.users.first else { return use.obstacle }
        throw VMError(
            .busy, disk.path.string, "is in use by \(user.words)",
            remedy: "repair it once that process has ended, or has closed it")
    }

    private func refuseLocked(_ image: borrowing ImageToCheck) throws(VMError) {
        guard try image.locks().contains(where: { $0.excludes(writable: isRepair) }) else { return }
        guard let name = context.allClaims.running(on: image.status).first else {
            throw VMError(
                .busy, disk.path.string, "is in use by another process",
                remedy: "\(command: "fuser -v \(disk.path)") shows which")
        }
        throw VMError(
            .busy, disk.path.string, "is in use by the VM \(name), which is running", remedy: "stop that VM first")
    }
}

extension PlanningContext {
    /// Checks a disk.
    ///
    /// - Parameters:
    ///   - repairing: whether what is wrong is repaired. Only if nobody uses the disk.
    ///   - isDryRun: whether it is only said what would be repaired.
    /// - Throws: why it can't be checked: `.busy` if it is in use.
    package func check(_ disk: NamedDisk, repairing: Bool, isDryRun: Bool) throws(VMError) -> CheckedDisk {
        try DiskChecking(context: self, disk: disk, isRepair: repairing, isDryRun: isDryRun).run()
    }
}
