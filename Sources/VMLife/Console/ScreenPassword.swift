import Glibc
import SystemPackage
import VMCore
import VMHost

/// The VNC password of a run, in a file of its own among the VM's run-time files: for the VM's owner alone, whom the kernel
/// asks for nothing more, and gone with the next start.
struct ScreenPassword {
    /// RUN/vms/NAME/vnc.password.
    let file: FilePath

    init(_ directory: RuntimeDirectory) { file = directory.path.appending("vnc.password") }

    /// 48 bits of chance, in eight characters that are themselves to every shell.
    static func generate() -> [UInt8] {
        var chance = SystemRandomNumberGenerator()
        return (0..<8).map { _ in alphabet[Int.random(in: alphabet.indices, using: &chance)] }
    }

    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._".utf8)

    /// Writes it down, for the run that begins.
    func keep(_ password: [UInt8]) throws(VMError) {
        do throws(Errno) { try replaceFile(file, with: password, permissions: 0o600) } catch {
            throw .system(error, file.string, "can't be written")
        }
    }

    /// That of the run before protects nothing any more.
    func forget() { removeFile(file) }

    /// What it is.
    func read() throws(VMError) -> String {
        do throws(Errno) { return String(decoding: try readOwnFile(file, limit: 64), as: UTF8.self) } catch {
            throw .system(
                error, file.string, "can't be read", remedy: "only the VM's owner may: run kvmctl as that user")
        }
    }
}
