import BridgeKernel
import Glibc
import SystemPackage
import VMCore
import VMHost

/// Files that a command line names, for what a new VM is.
package enum GivenFile {
    /// What is in one.
    ///
    /// - Throws: why it can't be read; `.badData` if it is too large.
    /// It is judged as a params file is: a list of VMs has any keys, and a link of somebody else's could have the guest given
    /// what only root may read.
    package static func content(
        _ word: String, _ trust: FileTrust, limit: Int = CloudSeed.fileLimit
    ) throws(VMError) -> [UInt8] {
        let path = absolutePath(word)
        let content: [UInt8]
        do throws(PathWalk.Failure) { content = try trust.content(of: path, limit: limit + 1) } catch {
            switch error {
            case .system(let errno, _): throw failure(errno, path)
            case .distrusted(let distrust): throw distrust.refusal(toRead: path)
            }
        }
        return try within(limit, content, of: path.string)
    }

    /// What comes on standard input.
    ///
    /// - Throws: as `content`.
    package static func standardInput(limit: Int = CloudSeed.fileLimit) throws(VMError) -> [UInt8] {
        let content: [UInt8]
        do throws(Errno) { content = try readAll(.standardInput, limit: limit + 1) } catch {
            throw .system(error, "stdin", "can't be read")
        }
        return try within(limit, content, of: "stdin")
    }

    private static func within(_ limit: Int, _ content: [UInt8], of name: String) throws(VMError) -> [UInt8] {
        guard content.count <= limit else {
            throw VMError(.badData, name, "is larger than \(ByteCount(bytes: Int64(limit)))")
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
    package static func passwordHash(_ word: String, _ trust: FileTrust) throws(VMError) -> String {
        let password = try NewUserData.password(in: try content(word, trust, limit: 4096), of: word)
        if password.hasPrefix("$") { return password }
        let openssl = Tool(name: "openssl", package: "openssl")
        let printed = try openssl.run(["passwd", "-6", "-stdin"], input: password + "\n", for: word)
        return try NewUserData.password(in: printed, of: word)
    }
}
