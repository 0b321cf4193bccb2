/// A use of a disk by this host itself.
package struct HostUse: Equatable, Sendable {
    /// What is used.
    package enum Part: Equatable, Sendable {
        /// The device or file itself.
        case itself
        /// A partition of it, by the kernel's name.
        case partition(String)
        /// The disk that it is a partition of, by the kernel's name.
        case wholeDisk(String)
        /// The file that it is a loop device for.
        case fileBehind
    }

    /// What for.
    package enum Purpose: Equatable, Sendable {
        /// A file system on it is mounted there.
        case mounted(at: String)
        case swap
        /// It is the file of a loop device, by the kernel's name.
        case attached(as: String)
        /// Another device is built on it; which, in words: `the LVM volume vg-root`.
        case part(of: String)
        /// Something that leaves no trace in /sys, or is in another mount namespace.
        case claimed
    }

    package var part: Part
    package var purpose: Purpose
    /// Whether the host only reads it.
    package var isReadOnly: Bool

    /// Describes a use; see the properties.
    package init(_ purpose: Purpose, of part: Part = .itself, isReadOnly: Bool = false) {
        self.part = part
        self.purpose = purpose
        self.isReadOnly = isReadOnly
    }

    /// The same use, told of something that has this as a part, or is a part of it.
    package func told(of part: Part) -> HostUse { HostUse(purpose, of: part, isReadOnly: isReadOnly) }
}

extension HostUse: CustomStringConvertible {
    /// In words: `its partition sda1 is mounted at /home`.
    package var description: String {
        switch purpose {
        case .mounted(let place): "\(part) is mounted at \(place)"
        case .swap: "\(part) is swap space"
        case .attached(let loop): "\(part) is attached as /dev/\(loop)\(part == .fileBehind ? " too" : "")"
        case .part(let whole): "\(part) is part of \(whole)"
        case .claimed: "the kernel has claimed it"
        }
    }
}

extension HostUse.Part: CustomStringConvertible {
    /// In words, as a subject.
    package var description: String {
        switch self {
        case .itself: "it"
        case .partition(let name): "its partition \(name)"
        case .wholeDisk(let name): "the whole disk \(name)"
        case .fileBehind: "the file behind it"
        }
    }
}
