/// A FAT12 file system with a few small files in its root directory (Microsoft's FAT specification, fatgen103): for what a
/// guest only reads. The same files make the same bytes.
struct FATImage {
    /// How large every image is. What is not in `bytes` is zero.
    static let size = sector * sectors
    /// The most that the files may have in all, each rounded up to a cluster.
    static let capacity = (clusters - 1) * clusterSize

    /// The image up to the last byte that is not zero.
    private(set) var bytes: [UInt8]
    private var table = [UInt8](repeating: 0, count: tableSectors * sector)
    private var entries: [UInt8] = []
    private var nextCluster = 2

    private static let sector = 512
    private static let sectors = 8192
    private static let sectorsPerCluster = 4
    private static let clusterSize = sector * sectorsPerCluster
    private static let tableSectors = 6
    private static let tables = 2
    private static let rootEntries = 64
    private static let firstDataSector = 1 + tables * tableSectors + rootEntries * 32 / sector
    private static let clusters = (sectors - firstDataSector) / sectorsPerCluster
    /// Midnight of the first day that there is.
    private static let firstDay: [UInt8] = [0, 0, 0x21, 0]

    /// Makes one.
    ///
    /// - Parameters:
    ///   - label: at most 11 bytes, in capitals.
    ///   - files: their names, of letters, digits and `-`, and what is in them, up to `capacity`.
    init(label: String, _ files: [(name: String, content: [UInt8])]) {
        bytes = [UInt8](repeating: 0, count: Self.firstDataSector * Self.sector)
        bytes.replaceSubrange(0..<Self.sector, with: Self.bootSector(label))
        // The medium, as in the boot sector, and an end of chain.
        link(0, to: 0xff8)
        link(1, to: Self.endOfChain)
        entries += Self.entry(Self.padded(label, to: 11), attributes: 0x08)
        for (position, file) in files.enumerated() { add(file.name, file.content, position) }
        for copy in 0..<Self.tables { put(table, at: (1 + copy * Self.tableSectors) * Self.sector) }
        put(entries, at: (1 + Self.tables * Self.tableSectors) * Self.sector)
    }

    private static let endOfChain = 0xfff

    private mutating func put(_ part: [UInt8], at offset: Int) {
        bytes.replaceSubrange(offset..<offset + part.count, with: part)
    }

    private mutating func add(_ name: String, _ content: [UInt8], _ position: Int) {
        let count = (content.count + Self.clusterSize - 1) / Self.clusterSize
        let short = Self.padded("FILE\(position)", to: 11)
        entries += Self.longName(name, of: short)
        entries += Self.entry(short, attributes: 0x20, cluster: count == 0 ? 0 : nextCluster, size: content.count)
        guard count > 0 else { return }
        for cluster in nextCluster..<nextCluster + count - 1 { link(cluster, to: cluster + 1) }
        link(nextCluster + count - 1, to: Self.endOfChain)
        nextCluster += count
        bytes += content + [UInt8](repeating: 0, count: count * Self.clusterSize - content.count)
    }

    /// Two entries share three bytes.
    private mutating func link(_ cluster: Int, to next: Int) {
        let place = cluster * 3 / 2
        if cluster.isMultiple(of: 2) {
            table[place] = UInt8(next & 0xff)
            table[place + 1] = table[place + 1] & 0xf0 | UInt8(next >> 8)
        } else {
            table[place] = table[place] & 0x0f | UInt8(next << 4 & 0xf0)
            table[place + 1] = UInt8(next >> 4)
        }
    }

    /// Where a partition table would be, it is zero: else the guest sees partitions. Its code has the firmware try the next
    /// device (`int 0x18`); without the signature, BSD does not take it for a file system.
    private static func bootSector(_ label: String) -> [UInt8] {
        var boot: [UInt8] = [0xeb, 0x3c, 0x90] + padded("kvmctl", to: 8)
        boot += little(sector, 2) + [UInt8(sectorsPerCluster)] + little(1, 2) + [UInt8(tables)] + little(rootEntries, 2)
        boot += little(sectors, 2) + [0xf8] + little(tableSectors, 2) + little(63, 2) + little(16, 2) + little(0, 8)
        boot += [0x80, 0, 0x29] + little(0x4349_4441, 4) + padded(label, to: 11) + padded("FAT12", to: 8)
        boot += [0xcd, 0x18, 0xf4, 0xeb, 0xfd]
        return boot + [UInt8](repeating: 0, count: sector - 2 - boot.count) + [0x55, 0xaa]
    }

    private static func entry(_ name: [UInt8], attributes: UInt8, cluster: Int = 0, size: Int = 0) -> [UInt8] {
        name + [attributes, 0, 0] + firstDay + [0x21, 0, 0, 0] + firstDay + little(cluster, 2) + little(size, 4)
    }

    /// The entries before that of the short name, thirteen characters each, the last ones first.
    private static func longName(_ name: String, of short: [UInt8]) -> [UInt8] {
        let sum = short.reduce(UInt8(0)) { ($0 >> 1 | $0 << 7) &+ $1 }
        var units = Array(name.utf16) + [0]
        while !units.count.isMultiple(of: 13) { units.append(0xffff) }
        // A name that fills its entries has no end mark.
        if name.utf16.count.isMultiple(of: 13) { units = Array(name.utf16) }
        let parts = stride(from: 0, to: units.count, by: 13).map { start in
            units[start..<start + 13].flatMap { [UInt8($0 & 0xff), UInt8($0 >> 8)] }
        }
        return parts.enumerated().reversed().flatMap { index, part -> [UInt8] in
            let number = UInt8(index + 1) | (index == parts.count - 1 ? 0x40 : 0)
            return [number] + part[0..<10] + [0x0f, 0, sum] + part[10..<22] + [0, 0] + part[22..<26]
        }
    }

    private static func padded(_ text: String, to length: Int) -> [UInt8] {
        Array((text.utf8 + [UInt8](repeating: 0x20, count: length)).prefix(length))
    }

    private static func little(_ value: Int, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
}
