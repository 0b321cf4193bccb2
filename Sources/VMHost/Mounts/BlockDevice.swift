import Glibc
import SystemPackage

/// A block device, known by its number, as /sys/dev/block describes it (sysfs(5)).
package struct BlockDevice: Hashable {
    /// `st_rdev` of stat(2).
    package let number: UInt64

    package init(number: UInt64) { self.number = number }

    /// The block device that a path leads to; nil if it leads to something else.
    init?(at path: FilePath) {
        guard let found = try? VMHost.status(of: path) else { return nil }
        self.init(found)
    }

    package init?(_ status: stat) {
        guard status.kind == S_IFBLK else { return nil }
        number = UInt64(status.st_rdev)
    }

    /// Parses `259:1`, as /sys writes it.
    init?(_ text: some StringProtocol) {
        let parts = text.split(separator: ":")
        guard parts.count == 2, let major = UInt64(parts[0]), let minor = UInt64(parts[1]), major < 1 << 32,
            minor < 1 << 32
        else { return nil }
        // gnu_dev_makedev(3)
        number = minor & 0xff | (major & 0xfff) << 8 | (minor & ~0xff) << 12 | (major & ~0xfff) << 32
    }

    /// `259:1`.
    package var text: String {
        let major = number >> 8 & 0xfff | number >> 32 & ~0xfff
        let minor = number & 0xff | number >> 12 & ~0xff
        return "\(major):\(minor & 0xffff_ffff)"
    }

    /// Its directory in /sys, with links resolved: `/sys/devices/…/block/sda/sda1`; nil if there is none.
    private var directory: FilePath? {
        guard let real = "/sys/dev/block/\(text)".withCString({ realpath($0, nil) }) else { return nil }
        defer { free(real) }
        return FilePath(platformString: real)
    }

    /// The kernel's name for it: `sda1`.
    var name: String { directory?.lastComponent?.string ?? text }

    /// The disk whose partition it is; nil if it is no partition.
    package var disk: BlockDevice? {
        guard let directory, Self.isThere(directory.appending("partition")) else { return nil }
        return Self.device(in: directory.removingLastComponent())
    }

    /// Its partitions.
    package var partitions: [BlockDevice] {
        guard let directory, let entries = try? names(in: directory) else { return [] }
        return entries.map { directory.appending($0) }.filter { Self.isThere($0.appending("partition")) }
            .compactMap(Self.device)
    }

    /// The devices built on it: device-mapper volumes, md arrays.
    var holders: [BlockDevice] { linked("holders") }

    /// The devices it is built on.
    var parts: [BlockDevice] { linked("slaves") }

    private func linked(_ name: String) -> [BlockDevice] {
        guard let place = directory?.appending(name), let entries = try? names(in: place) else { return [] }
        return entries.compactMap { Self.device(in: place.appending($0)) }
    }

    /// For people, as a device built on others: `the LVM volume vg-root`.
    var words: String {
        guard let directory else { return name }
        if let mapped = Self.text(directory.appending("dm/name")) {
            let kind = Self.text(directory.appending("dm/uuid"))?.split(separator: "-").first
            return switch kind {
            case "LVM": "the LVM volume \(mapped)"
            case "CRYPT": "the encrypted volume \(mapped)"
            default: "the device-mapper volume \(mapped)"
            }
        }
        return Self.isThere(directory.appending("md")) ? "the RAID array \(name)" : name
    }

    private static func device(in directory: FilePath) -> BlockDevice? {
        text(directory.appending("dev")).flatMap { BlockDevice($0) }
    }

    private static func text(_ file: FilePath) -> String? {
        (try? readFile(file, limit: 256)).map {
            String(decoding: $0.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
        }
    }

    private static func isThere(_ path: FilePath) -> Bool { path.withPlatformString { access($0, F_OK) } == 0 }
}
