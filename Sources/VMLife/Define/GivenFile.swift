import BridgeKernel
import Glibc
import SystemPackage
import VMCore
import VMHost

/// Files that a command line names, for a new VM's seed.
package enum GivenFile {
    /// What is in one.
    ///
    /// - Throws: why it can't be read; `.badData` if it is too large.
    package static func content(_ word: String, limit: Int = CloudSeed.fileLimit) throws(VMError) -> [UInt8] {
        let path = absolutePath(word)
        let content: [UInt8]
        do throws(Errno) {
            // The caller's own file, read with the caller's own rights, as any program would.
            let opened = try OwnedDescriptor.anyonesRegular(path)
            content = try readAll(opened.descriptor, limit: limit + 1)
        } catch { throw failure(error, path) }
        guard content.count <= limit else {
            throw VMError(.badData, path.string, "is larger than \(ByteCount(bytes: Int64(limit)))")
        }
        return content
    }

    /// What comes on standard input.
    ///
    /// - Throws: as `content`.
    package static func standardInput(limit: Int = CloudSeed.fileLimit) throws(VMError) -> [UInt8] {
        let content: [UInt8]
        do throws(Errno) { content = try readAll(.standardInput, limit: limit + 1) } catch {
            throw .system(error, "stdin", "can't be read")
        }
        guard content.count <= limit else {
            throw VMError(.badData, "stdin", "is larger than \(ByteCount(bytes: Int64(limit)))")
        }
        return content
    }

    /// Why a file can't be read. What is not a regular file is not opened.
    private static func failure(_ errno: Errno, _ path: FilePath) -> VMError {
        guard errno == .notSupported else { return .system(errno, path.string, "can't be read") }
        let isDirectory = (try? status(of: path))?.map { $0.kind == S_IFDIR } ?? false
        return VMError(.badData, path.string, isDirectory ? "is a directory" : "is not a regular file")
    }

    /// The password of a file, as a hash: in clear it would be guessed from the instance id, which is made of the user-data
    /// and which every account in the guest may see.
    ///
    /// - Throws: why it can't be read or hashed.
    package static func passwordHash(_ word: String) throws(VMError) -> String {
        let password = try NewUserData.password(in: try content(word, limit: 4096), of: word)
        if password.hasPrefix("$") { return password }
        let openssl = Tool(name: "openssl", package: "openssl")
        let printed = try openssl.run(["passwd", "-6", "-stdin"], input: password + "\n", for: word)
        return try NewUserData.password(in: printed, of: word)
    }
}
