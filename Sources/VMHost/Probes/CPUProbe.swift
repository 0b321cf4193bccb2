import CLinux
import SystemPackage
import VMCore

extension HostCPUs {
    /// Asks the kernel.
    package static func ask() throws(VMError) -> HostCPUs {
        var mask = Array(repeating: UInt8(0), count: CPUSet.most / 8)
        let result = mask.withUnsafeMutableBufferPointer { clinux_allowed_processors($0.baseAddress, $0.count) }
        guard result >= 0 else {
            throw .system(Errno(rawValue: -result), "this process", "can't tell which CPUs it may run on")
        }
        let file: FilePath = "/sys/devices/system/cpu/online"
        let list: [UInt8]
        do throws(Errno) { list = try readFile(file) } catch {
            throw .system(error, file.string, "can't tell which CPUs are online")
        }
        do throws(ValueFault) {
            let online = try CPUSet(parsing: String(decoding: list, as: UTF8.self).filter { $0 != "\n" })
            return HostCPUs(online: online, allowed: CPUSet(mask: mask))
        } catch { throw VMError(.unavailable, file.string, "is not a list of CPUs") }
    }
}
