import Glibc
import SystemPackage
import VMCore
import VMHost

/// The VNC password of a run, in a file among the VM's run-time files. Only the VM's owner can read it, and the next
/// start replaces or removes it.
struct ScreenPassword {
    /// RUN/vms/NAME/vnc.password.
    let file: FilePath

    private let directory: RuntimeDirectory

    init(_ directory: RuntimeDirectory) {
        self.directory = directory
        file = directory.path.appending("vnc.password")
    }

    /// 48 random bits, as eight characters that no shell treats specially.
    static func generate() -> [UInt8] {
        var chance = SystemRandomNumberGenerator()
        return (0..<8).map { _ in alphabet[Int.random(in: alphabet.indices, using: &chance)] }
    }

    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._".utf8)

    /// Writes the password of the run that starts.
    func keep(_ password: [UInt8]) throws(VMError) {
        do throws(Errno) { try replaceFile(file, with: password, permissions: 0o600) } catch {
            throw .system(error, file.string, "can't be written")
        }
    }

    /// Removes the previous run's password, which is no longer in use.
    func forget() { removeFile(file) }

    /// Reads the password.
    func read() throws(VMError) -> String {
        do throws(Errno) {
            return String(decoding: try readOwnFile(file, limit: 64), as: UTF8.self)
        } catch .noSuchFileOrDirectory where directory.isAdopted {
            throw VMError(
                .unavailable, directory.name.description,
                "the password of its screen is not known: kvmctl did not start its QEMU")
        } catch {
            throw .system(
                error, file.string, "can't be read", remedy: "only the VM's owner may read it: run kvmctl as that user")
        }
    }
}
