import SystemPackage
import VMCore

extension HugePagePools {
    /// Asks the kernel for its pools of some sizes, and for that of the default size.
    ///
    /// - Parameter standard: the default size; nil: the kernel has none.
    package init(standard: ByteCount?, sizes: [ByteCount]) throws(VMError) {
        self.init(standard: standard)
        for size in Set(sizes + [standard].compactMap(\.self)) { pools[size] = try Self.pool(size) }
    }

    /// The pages of one size; nil: the kernel has none.
    private static func pool(_ size: ByteCount) throws(VMError) -> Pool? {
        let directory = FilePath(directory(of: size))
        do throws(Errno) {
            guard try isThere(directory) else { return nil }
            func number(_ name: String) throws(Errno) -> Int64 {
                let text = String(decoding: try readFile(directory.appending(name)), as: UTF8.self)
                guard let number = Int64(text.filter { $0 != "\n" }) else { throw .invalidArgument }
                return number
            }
            let more = max(0, try number("nr_overcommit_hugepages") - number("surplus_hugepages"))
            let free = try number("free_hugepages") - number("resv_hugepages")
            return Pool(count: try number("nr_hugepages"), available: max(0, free) + more)
        } catch {
            throw .system(error, directory.string, "can't tell how many huge pages are free")
        }
    }
}
