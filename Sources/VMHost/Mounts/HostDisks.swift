import BridgeKernel
import CLinux
import Glibc
import SystemPackage
import VMCore

/// The host's own uses of disks and files: mounted file systems, swap space, arrays, volumes.
///
/// The kernel is asked when the first answer is needed, and once for all disks of a command.
package final class HostDisks {
    /// Why some of the uses can't be determined: no disk is then known to be unused.
    package private(set) var obstacle: VMError?

    package init(obstacle: VMError? = nil) {
        self.obstacle = obstacle
    }

    private lazy var mounts = noting(or: [:], Self.readMounts)
    private lazy var swaps = noting(or: Swaps(), Self.readSwaps)
    private lazy var loops = noting(or: [], Self.readLoops)

    private struct Mount {
        var place: String
        var isReadOnly: Bool
    }

    /// A loop device and its backing file.
    private struct Loop {
        var device: BlockDevice
        var file: FileIdentity
    }

    private struct Swaps {
        var files: Set<FileIdentity> = []
        var devices: Set<BlockDevice> = []
    }

    private func noting<Value>(or nothing: Value, _ read: () throws(VMError) -> Value) -> Value {
        do throws(VMError) { return try read() } catch {
            obstacle = obstacle ?? error
            return nothing
        }
    }

    /// A kernel file's text; empty if this kernel has no such file.
    private static func text(_ file: FilePath, limit: Int) throws(VMError) -> String {
        do throws(Errno) { return String(decoding: try readFile(file, limit: limit), as: UTF8.self) } catch {
            if error == .noSuchFileOrDirectory { return "" }
            throw .system(error, file.string, "can't tell how this host uses its disks")
        }
    }

    /// How the host uses a file or a block device; nil if it does not.
    ///
    /// - Parameter claimFailure: the error of an attempt to claim the device.
    package func use(of status: stat, claimFailure: Errno? = nil) -> DiskUse? {
        guard let device = BlockDevice(status) else { return use(of: FileIdentity(status)).map(DiskUse.host) }
        if let use = use(of: device) { return .host(use) }
        // Mounted in another mount namespace, or used by something that leaves no trace in /sys, such as ZFS.
        guard claimFailure == .resourceBusy else { return nil }
        return .host(HostUse(.claimed))
    }

    /// The files that a device is backed by through loop devices, also below device-mapper volumes and md arrays.
    package func filesBehind(_ status: stat) -> [FileIdentity] {
        var rest = [BlockDevice(status)].compactMap(\.self)
        var seen = Set(rest)
        var files: [FileIdentity] = []
        while let device = rest.popLast() {
            files += loops.filter { $0.device == device }.map(\.file)
            for part in device.parts + [device.disk].compactMap(\.self) where seen.insert(part).inserted {
                rest.append(part)
            }
        }
        return files
    }

    private func use(of file: FileIdentity) -> HostUse? {
        if swaps.files.contains(file) { return HostUse(.swap) }
        for loop in loops where loop.file == file {
            return use(of: loop.device) ?? HostUse(.attached(as: loop.device.name))
        }
        return nil
    }

    private func use(of device: BlockDevice) -> HostUse? {
        if let use = ownUse(of: device) { return use }
        for partition in device.partitions {
            if let use = ownUse(of: partition) { return use.told(of: .partition(partition.name)) }
        }
        if let disk = device.disk, let use = ownUse(of: disk) { return use.told(of: .wholeDisk(disk.name)) }
        guard let loop = loops.first(where: { $0.device == device }) else { return nil }
        // Other uses of the loop device's file.
        if swaps.files.contains(loop.file) { return HostUse(.swap, of: .fileBehind) }
        for other in loops where other.file == loop.file && other.device != device {
            return HostUse(.attached(as: other.device.name), of: .fileBehind)
        }
        return nil
    }

    private func ownUse(of device: BlockDevice) -> HostUse? {
        if let found = mounts[device], let first = found.first {
            return HostUse(.mounted(at: first.place), isReadOnly: found.allSatisfy(\.isReadOnly))
        }
        if swaps.devices.contains(device) { return HostUse(.swap) }
        return device.holders.first.map { HostUse(.part(of: $0.words)) }
    }

    /// proc_pid_mountinfo(5): `36 35 8:1 /root /home rw,noatime shared:1 - ext4 /dev/sda1 rw,errors=continue`
    private static func readMounts() throws(VMError) -> [BlockDevice: [Mount]] {
        try text("/proc/self/mountinfo", limit: 1 << 24).split(separator: "\n").reduce(into: [:]) { mounts, line in
            let words = line.split(separator: " ")
            guard let dash = words.firstIndex(of: "-"), dash >= 6, words.count > dash + 2 else { return }
            let isReadOnly = words.last?.split(separator: ",").contains("ro") == true
            // A file system with an anonymous device number (btrfs) shows its device only as a path.
            let device =
                words[2].hasPrefix("0:")
                ? words[dash + 2].hasPrefix("/") ? BlockDevice(at: FilePath(String(words[dash + 2]))) : nil
                : BlockDevice(words[2])
            guard let device else { return }
            let place = MountTable.unescaped(words[4].utf8) ?? String(words[4])
            mounts[device, default: []].append(Mount(place: place, isReadOnly: isReadOnly))
        }
    }

    /// proc_swaps(5).
    private static func readSwaps() throws(VMError) -> Swaps {
        try text("/proc/swaps", limit: 1 << 16).split(separator: "\n").dropFirst().reduce(into: Swaps()) {
            swaps, line in
            guard let path = line.split(whereSeparator: { $0 == " " || $0 == "\t" }).first,
                let found = try? status(of: FilePath(MountTable.unescaped(path.utf8) ?? String(path)))
            else { return }
            if let device = BlockDevice(found) {
                swaps.devices.insert(device)
            } else {
                swaps.files.insert(FileIdentity(found))
            }
        }
    }

    private static func readLoops() throws(VMError) -> [Loop] {
        let all: [String]
        do throws(Errno) { all = try names(in: "/sys/block") ?? [] } catch {
            throw .system(error, "/sys/block", "can't tell how this host uses its disks")
        }
        return all.filter { $0.hasPrefix("loop") }.compactMap { name in
            let directory = FilePath("/sys/block").appending(name)
            // Exists only while a file is attached.
            guard let path = try? readFile(directory.appending("loop/backing_file"), limit: 4096),
                let number = try? readFile(directory.appending("dev"), limit: 32)
            else { return nil }
            func line(_ bytes: [UInt8]) -> String {
                String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
            }
            guard let device = BlockDevice(line(number)),
                let file = file(behind: FilePath("/dev").appending(name)) ?? file(at: FilePath(line(path)))
            else { return nil }
            return Loop(device: device, file: file)
        }
    }

    /// Asked of the device itself: the path in /sys is the one at the time of attaching.
    private static func file(behind device: FilePath) -> FileIdentity? {
        guard let opened = try? OwnedDescriptor.open(device, .readOnly, flags: O_NONBLOCK) else { return nil }
        var file = FileIdentity(device: 0, inode: 0)
        return clinux_loop_file(opened.rawValue, &file.device, &file.inode) == 0 ? file : nil
    }

    private static func file(at path: FilePath) -> FileIdentity? {
        (try? status(of: path)).flatMap { $0 }.map { FileIdentity($0) }
    }
}
