import SystemPackage

/// An image that was written to after another was made an overlay of it: what the overlay does not hold itself may be
/// another content by now.
///
/// The times of the files say so. A copy made without its times looks the same, so this is a warning.
package struct LateBase: Equatable, Sendable {
    /// The image below.
    package var base: FilePath
    /// What stands on it.
    package var overlay: FilePath
    /// The key that names the image below.
    var origin: Origin
    /// When the overlay was made, in seconds since 1970.
    var made: Int64

    /// On file systems with clocks of their own, such as those of servers, times less apart than this say nothing, in
    /// nanoseconds.
    private static let slack: Int64 = 60_000_000_000

    /// Those below a VM's disks.
    static func all(below disks: [VMParams.Disk], _ images: [FilePath: ImageFacts]) -> [LateBase] {
        disks.flatMap { disk in
            zip([disk.path.value] + disk.backing.map(\.value), disk.backing).compactMap { overlay, base in
                guard case .image(let above)? = images[overlay], case .image(let below)? = images[base.value],
                    let made = above.made, let written = below.written
                else { return nil }
                let isSameClock = above.identity?.device == below.identity?.device
                guard written - (isSameClock ? 0 : slack) > made else { return nil }
                return LateBase(
                    base: base.value, overlay: overlay, origin: base.origin, made: made / 1_000_000_000)
            }
        }
    }

    /// What is the matter, in words that follow the key or the VM's name.
    var cause: String {
        "\(base) was written to or replaced after \(overlay) was made on it, by their times: the guest may read damaged data"
    }

    /// What to do.
    var advice: String {
        "make the VM anew; or, if it holds what it did then, as a copy without its times does, say so: "
            + "\(command: "touch -d @\("\(made)") \(base)")"
    }
}

extension HostFacts {
    /// What a VM's disks stand on and was written to since.
    package func lateBases(below params: VMParams) -> [LateBase] { LateBase.all(below: params.disks, images) }
}
