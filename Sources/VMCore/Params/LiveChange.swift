import SystemPackage

/// What makes a new value of a key hold in a VM that runs.
package enum LiveChange: Equatable, Sendable {
    /// Nothing but noting it: only kvmctl reads it.
    case noted
    /// Other limits for the disk with this n.
    case limits(disk: Int)
    /// Another password for the VNC server.
    case screenPassword

    /// nil: only the next start can make it hold.
    ///
    /// - Parameters:
    ///   - difference: what the VM runs with, and what it is to have.
    ///   - running: what it runs with.
    ///   - wanted: what its file says.
    package init?(_ difference: ParamsDifference, in running: VMParams, toBecome wanted: VMParams) {
        switch difference.key.key {
        case .description, .tags, .protect, .autostart, .autostartDelay, .startAfter: self = .noted
        case .diskIOPS, .diskBPS:
            // QEMU can change the limits of a disk that has some.
            guard let index = difference.key.index, let before = running.disk(index), let after = wanted.disk(index),
                before.path.value == after.path.value, before.iops != nil || before.bps != nil
            else { return nil }
            self = .limits(disk: index)
        case .vncPasswordFile:
            guard running.vnc.hasPassword, wanted.vnc.passwordFile != nil else { return nil }
            self = .screenPassword
        default: return nil
        }
    }
}

extension VMParams {
    fileprivate func disk(_ index: Int) -> Disk? { disks.first { $0.index == index } }

    /// The limits of a disk, as QEMU is told to change them.
    package func limits(ofDisk index: Int) -> ThrottleGroup? {
        disk(index).map { disk in
            ThrottleGroup(
                id: disk.limitsID, iops: disk.iops.map { Int64($0.value) } ?? 0,
                bytesPerSecond: disk.bps?.value.bytes ?? 0)
        }
    }
}
