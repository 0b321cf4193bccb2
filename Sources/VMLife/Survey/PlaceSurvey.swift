import Glibc
import SystemPackage
import VMCore
import VMHost

/// The places where kvmctl and its VMs write, one for each file system.
struct PlaceSurvey {
    private var places: [PlaceCondition] = []
    private var devices: [UInt64: Int] = [:]

    /// - Parameter files: the params files of the examined VMs.
    static func places(_ paths: Paths, disksOf files: [VMFile]) -> [PlaceCondition] {
        var survey = PlaceSurvey()
        survey.add(.runFiles, paths.run, isMadeByItself: true)
        survey.add(.logs, paths.log, isMadeByItself: true)
        for root in paths.roots { survey.add(.machines, root, isMadeByItself: paths.ownRoot != nil) }
        let growth = SpaceCheck.Growth(of: files.map(\.params)).systems
        for (device, disks) in growth.sorted(by: { $0.value.sample.string < $1.value.sample.string }) {
            survey.add(disks, on: device)
        }
        return survey.places
    }

    private mutating func add(_ disks: (sample: FilePath, size: ByteCount), on device: UInt64) {
        if devices[device] == nil { add(.disks, disks.sample.removingLastComponent(), isMadeByItself: false) }
        if let place = devices[device] { places[place].system?.growth = disks.size }
    }

    private mutating func add(_ purpose: PlaceCondition.Purpose, _ path: FilePath, isMadeByItself: Bool) {
        let directory = FileSystemSpace.existing(path)
        let isThere = directory == path
        let device = (try? status(of: directory))?.map { UInt64($0.st_dev) }
        // A file system that does not answer is reported elsewhere, with its remedy.
        if RemoteMounts.isSilent(directory) { return }
        if let device, let place = devices[device], isThere || isMadeByItself {
            if !places[place].purposes.contains(purpose) { places[place].purposes.append(purpose) }
            return
        }
        if let device, isThere || isMadeByItself { devices[device] = places.count }
        places.append(
            PlaceCondition(
                [purpose], path: path, isMadeByItself: isMadeByItself, isThere: isThere,
                system: PlaceCondition.FileSystem(of: directory)))
    }
}

extension PlaceCondition.FileSystem {
    /// nil if its space can't be determined.
    fileprivate init?(of directory: FilePath) {
        guard let space = FileSystemSpace(at: directory) else { return nil }
        self.init(
            size: space.size, free: space.free, freeFiles: space.freeFiles, memoryMount: Self.memoryMount(of: directory)
        )
    }

    /// proc_pid_mountinfo(5): `36 35 0:41 / /run rw,nosuid - tmpfs tmpfs rw,size=…`
    private static func memoryMount(of directory: FilePath) -> FilePath? {
        guard let device = (try? status(of: directory))?.map({ UInt64($0.st_dev) }) else { return nil }
        let number = BlockDevice(number: device).text
        let mounts = String(decoding: (try? readFile("/proc/self/mountinfo", limit: 1 << 22)) ?? [], as: UTF8.self)
        return mounts.split(separator: "\n").compactMap { line -> FilePath? in
            let words = line.split(separator: " ")
            // Skip names with octal escapes, and bind mounts of a part of a file system: these can't be resized.
            guard words.count > 4, words[2] == number, words[3] == "/", line.contains(" - tmpfs "),
                !words[4].contains("\\")
            else { return nil }
            return FilePath(String(words[4]))
        }.last
    }
}
