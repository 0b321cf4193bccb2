extension HugePages {
    /// The size that it names; nil: it names none.
    package var size: ByteCount? {
        switch self {
        case .no, .yes: nil
        case .twoMebi: ByteCount(bytes: 2 << 20)
        case .oneGibi: ByteCount(bytes: 1 << 30)
        }
    }
}

extension LaunchPlanner {
    /// `MEMORY` and `HUGEPAGES`.
    mutating func planMemory() {
        if let limit = facts.memoryLimit, params.memory.value > limit {
            refuse(
                .unavailable, place(params.memory.origin),
                "\(params.memory.value) is more than this host's RAM and swap, which are \(limit)",
                remedy: "write less, or add swap")
        }
        planHugePages()
        planSharedMemory()
        add("-m", "size=\(memoryText)", purpose: "memory", from: params.memory.origin)
    }

    /// QEMU takes the size with a unit; MiB where it is whole, as everybody writes it.
    private var memoryText: String {
        let bytes = params.memory.value.bytes
        return bytes % (1 << 20) == 0 ? "\(bytes >> 20)M" : "\(bytes >> 10)k"
    }

    /// Whether the guest's memory is an object of ours, which the board names.
    var hasMemoryObject: Bool { params.hugePages.value != .no || !params.shares.isEmpty }

    /// The servers of shared directories read and write the guest's memory. Huge pages are shared anyway.
    private mutating func planSharedMemory() {
        guard params.hugePages.value == .no, let share = params.shares.first else { return }
        add(
            .object(.sharedMemory(params.memory.value)), purpose: "memory that virtiofsd has too",
            from: share.directory.origin, params.memory.origin)
    }

    private mutating func planHugePages() {
        let wish = params.hugePages
        guard wish.value != .no else { return }
        guard let size = wish.value.size ?? facts.hugePages.standard, let pool = facts.hugePages.pools[size] else {
            // If the kernel could not be asked, that is a problem of its own.
            guard facts.problems.isEmpty else { return }
            refuse(
                .unavailable, place(wish.origin),
                "this host's kernel has no huge pages" + (wish.value.size.map { " of \($0)" } ?? ""),
                remedy: facts.hugePages.standard.map { "HUGEPAGES=yes uses those that it has, of \($0)" }
                    ?? "leave the line out")
            return
        }
        let memory = params.memory.value
        guard memory.bytes % size.bytes == 0 else {
            let more = ByteCount(bytes: (memory.bytes / size.bytes + 1) * size.bytes)
            refuse(
                .badData, place(params.memory.origin),
                "\(memory) is not a multiple of \(size), the size of the huge pages that HUGEPAGES asks for",
                remedy: "write MEMORY=\(more.parameter)")
            return
        }
        checkPool(pool, of: size, for: memory.bytes / size.bytes)
        // Taken at once: a page that is missing later would end QEMU by SIGBUS.
        add(
            .object(.hugePages(memory, of: size, threads: params.cpus.value)), purpose: "memory in huge pages",
            from: wish.origin, params.memory.origin)
    }

    private mutating func checkPool(_ pool: HugePagePools.Pool, of size: ByteCount, for pages: Int64) {
        guard pool.available < pages else { return }
        let wanted = pool.count + pages - pool.available
        let keeping: ShellCommand =
            size == facts.hugePages.standard
            ? "sysctl -w vm.nr_hugepages=\(wanted)"
            : ("echo \(wanted)" as ShellCommand).writing(to: "\(HugePagePools.directory(of: size))/nr_hugepages")
        refuse(
            .unavailable, place(params.hugePages.origin),
            "\(params.memory.value) is \(pages) huge pages of \(size), and this host has \(pool.available) to give",
            remedy: .run("let the kernel keep \(wanted), if so much memory is free in one piece", keeping))
    }
}
