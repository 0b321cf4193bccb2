/// The host's huge pages (Linux, Documentation/admin-guide/mm/hugetlbpage.rst).
package struct HugePagePools: Equatable, Sendable {
    /// The default size; nil: this kernel has none.
    package var standard: ByteCount?
    /// The pools, by the size of their pages.
    package var pools: [ByteCount: Pool] = [:]

    /// The pages of one size.
    package struct Pool: Equatable, Sendable {
        /// How many there are, used or free (`nr_hugepages`).
        package var count: Int64
        /// How many a new process can have: free ones that are promised to nobody, and those that the kernel would add
        /// (`nr_overcommit_hugepages`).
        package var available: Int64

        /// Describes a pool; see the properties.
        package init(count: Int64, available: Int64) {
            self.count = count
            self.available = available
        }
    }

    /// Describes a host; see the properties.
    package init(standard: ByteCount? = nil, pools: [ByteCount: Pool] = [:]) {
        self.standard = standard
        self.pools = pools
    }

    /// Where the kernel tells of the pages of one size, and takes how many shall be kept.
    package static func directory(of size: ByteCount) -> String {
        "/sys/kernel/mm/hugepages/hugepages-\(size.bytes >> 10)kB"
    }
}
