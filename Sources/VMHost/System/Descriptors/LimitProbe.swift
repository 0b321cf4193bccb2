import CLinux
import VMCore

extension StarterLimits {
    /// This process's limits that can't be raised for QEMU.
    package static var ofThisProcess: StarterLimits {
        var limits = StarterLimits()
        limits.memory = [CLINUX_LIMIT_ADDRESS_SPACE, CLINUX_LIMIT_DATA].compactMap(finite).min()
            .map(ByteCount.init(bytes:))
        limits.fileSize = finite(CLINUX_LIMIT_FILE_SIZE).map(ByteCount.init(bytes:))
        limits.cpuSeconds = finite(CLINUX_LIMIT_CPU_TIME)
        return limits
    }

    private static func finite(_ limit: clinux_limit) -> Int64? {
        let found = clinux_limit_in_reach(limit)
        return found == UInt64.max ? nil : Int64(clamping: found)
    }
}
