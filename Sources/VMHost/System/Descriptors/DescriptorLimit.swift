import Glibc

/// How many files this process may have open at once (getrlimit(2), RLIMIT_NOFILE).
package enum DescriptorLimit {
    /// For what any command has open, if only between two steps.
    private static let reserve: UInt = 16

    /// How many of `count` tasks can run at the same time if each needs `each` descriptors: at least one. Raises the
    /// limit for them as far as this process may.
    package static func room(for count: Int, each: Int) -> Int {
        guard count > 1, each > 0 else { return max(1, count) }
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1 }
        let wanted = UInt(count) * UInt(each) + reserve
        if limit.rlim_cur < wanted, limit.rlim_cur < limit.rlim_max {
            var raised = limit
            raised.rlim_cur = min(wanted, limit.rlim_max)
            if setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &raised) == 0 { limit = raised }
        }
        let free = limit.rlim_cur > reserve ? limit.rlim_cur - reserve : 0
        return min(count, max(1, Int(clamping: free / UInt(each))))
    }
}
