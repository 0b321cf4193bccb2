import SystemPackage

/// The directories that are written to, and the space there.
enum PlaceChecks {
    /// The least that a start needs: space for a few files.
    private static let least: Int64 = 1 << 20
    private static let leastFiles: UInt64 = 64

    static func all(_ facts: DoctorFacts) -> [Finding] { facts.places.map(finding) }

    private static func finding(_ place: PlaceCondition) -> Finding {
        let subject = place.path.string
        let purposes = place.purposes.map(\.rawValue).joined(separator: ", ")
        guard place.isThere || place.isMadeByItself else {
            return .warning(
                subject, "does not exist: no VM is found there", fix: .command("mkdir -p \(subject)"))
        }
        guard let system = place.system else {
            return .warning(
                subject, "can't be asked how much is free for \(purposes)",
                fix: .step("\(command: "df \(subject)") shows why"))
        }
        if system.free.bytes < least {
            return .problem(subject, "only \(system.free) is free for \(purposes)", fix: room(on: system, place))
        }
        if let files = system.freeFiles, files < leastFiles {
            return .problem(
                subject, "only \(files) more files can be created for \(purposes)",
                fix: fewerFiles(on: system, place))
        }
        if system.growth > system.free {
            return .warning(
                subject,
                "the disks there may still grow by \(system.growth), but only \(system.free) is free: when it is "
                    + "full, QEMU pauses each guest that writes there", fix: room(on: system, place))
        }
        return .ok(subject, "\(system.free) of \(system.size) is free for \(purposes)")
    }

    private static func room(on system: PlaceCondition.FileSystem, _ place: PlaceCondition) -> Finding.Fix {
        // Twice its size, or what is needed there.
        let size = max(system.size + system.size, system.size + system.growth) + ByteCount(bytes: 1 << 20)
        let wanted = (size.bytes >> 20) << 20
        if let mount = system.memoryMount {
            return .command("mount -o remount,size=\(wanted) \(mount)")
        }
        let sizes: ShellCommand = "du -xh --max-depth=2 \(place.path)"
        return .step("free some: \(command: sizes.piped(to: "sort -h").piped(to: "tail")) shows what is large")
    }

    private static func fewerFiles(on system: PlaceCondition.FileSystem, _ place: PlaceCondition) -> Finding.Fix {
        if let mount = system.memoryMount {
            return .command("mount -o remount,nr_inodes=0 \(mount)")
        }
        let counts: ShellCommand = "du -x --inodes \(place.path)"
        return .step("remove some: \(command: counts.piped(to: "sort -n").piped(to: "tail")) shows where most are")
    }
}
