import SystemPackage
import VMCore

/// This host's machine-id(5), from which UUIDs and MACs are derived.
enum MachineID {
    /// Its content; empty if it is missing or invalid. One that can't be read is an error, because without it the guest
    /// would get another identity.
    static func read() throws(VMError) -> String {
        let content: [UInt8]
        do throws(Errno) { content = try readFile("/etc/machine-id", limit: 64) } catch .noSuchFileOrDirectory {
            return ""
        } catch {
            throw .system(error, "/etc/machine-id", "can't be read")
        }
        let bytes = content.prefix { $0 != UInt8(ascii: "\n") }
        let isHex = bytes.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
        let isValid = bytes.count == 32 && isHex && bytes.contains { $0 != UInt8(ascii: "0") }
        return isValid ? String(decoding: bytes, as: UTF8.self) : ""
    }
}
