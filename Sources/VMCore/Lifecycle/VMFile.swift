import Glibc
public import SystemPackage

/// A params file that was read.
public struct VMFile: Sendable {
    /// What it says.
    public var params: VMParams
    /// What it says that is allowed, and that the user should know.
    public var warnings: [String]

    /// Reads and decodes a params file.
    ///
    /// - Throws: `.notFound` if there is none, `.badData` with every diagnostic if it is wrong, `.unavailable` if it
    ///   only asks for what is not built.
    public init(_ file: FilePath) throws(VMError) {
        let bytes = try Self.read(file)
        let parsed = VMParams.parse(bytes, file: file)
        guard let params = parsed.params else {
            throw parsed.error ?? VMError(.bug, file.string, "has no values and no error")
        }
        self.params = params
        warnings = [parsed.warning].compactMap(\.self)
    }

    private static func read(_ file: FilePath) throws(VMError) -> [UInt8] {
        do throws(Errno) {
            if let found = try status(of: file), found.st_mode & S_IFMT != S_IFREG { throw Errno.isDirectory }
            return try readFile(file, limit: VMParams.maximumFileSize + 1)
        } catch .isDirectory {
            throw VMError(.badData, file.string, "is not a file")
        } catch .noSuchFileOrDirectory {
            throw VMError(
                .notFound, file.string, "there is no such file",
                remedy: file.lastComponent == "vm.params"
                    ? "make a VM there: `kvmctl create \(shellQuoted(file.removingLastComponent().string))`"
                    : "`kvmctl list` shows the VMs that there are")
        } catch {
            throw .system(
                error, file.string, "can't be read",
                remedy: error == .permissionDenied ? "run kvmctl as root, or as a user who may read it" : nil)
        }
    }
}
