import BridgeKernel
import Glibc
import SystemPackage
import VMCore
import VMHost

/// Takes an image into the first directory of images that the caller may write to.
package struct ImageImport {
    /// Where it is taken from.
    package let source: ImageSource
    /// What it is called.
    package let name: ImageName
    /// Its new file.
    package let path: FilePath
    /// The directory, if it has to be made.
    private let newDirectory: FilePath?
    private let expected: ImageSum?
    private let trust: FileTrust

    /// Images can be read by those who may look into the directory, and changed by nobody.
    private static let permissions: mode_t = 0o444

    /// Plans it. Touches nothing.
    ///
    /// - Parameters:
    ///   - name: nil: as the file is called.
    ///   - expected: the sum that the file has to have.
    package init(
        _ file: FilePath, name: ImageName?, expecting expected: ImageSum?, into library: ImageLibrary
    ) throws(VMError) {
        source = try ImageSource(file, library.trust)
        guard let name = name ?? ImageName(ofFile: file) else {
            throw VMError(
                .usage, file.string, "its name can't be an image's",
                remedy: "give it one with --name: letters, digits and '._-', at most 64")
        }
        (self.name, self.expected, trust) = (name, expected, library.trust)
        if let other = try library.file(named: name.description) {
            throw VMError(
                .cannotCreate, name.description, "is the name of an image already: \(other)",
                remedy: "nothing was changed; choose another name with --name")
        }
        let place = try Self.place(library)
        path = place.directory.appending(name.file(source.format))
        newDirectory = place.isNew ? place.directory : nil
    }

    private static func place(_ library: ImageLibrary) throws(VMError) -> (directory: FilePath, isNew: Bool) {
        for directory in library.directories {
            if directory.withPlatformString({ access($0, W_OK | X_OK) }) == 0 { return (directory, false) }
            if errno == ENOENT, directory == library.directories.first { return (directory, true) }
        }
        throw VMError(
            .denied, library.directories.map(\.string).joined(separator: ", "), "can't be written to",
            remedy: "run it as root, or name a directory of yours in KVMCTL_IMAGES")
    }

    /// Imports it, and returns once it would survive a power cut. On failure nothing of it remains.
    ///
    /// - Returns: the sum of the new file.
    package func run() throws(VMError) -> String {
        if let expected { try compare(expected) }
        if let newDirectory {
            do throws(Errno) { try makeDirectories(newDirectory, permissions: 0o755) } catch {
                throw .system(error, newDirectory.string, "can't be made")
            }
        }
        let image = try newFile(path) { _ in }
        var made = [image]
        do throws(VMError) {
            let checksum = try Checksum()
            try source.copy(to: image.descriptor, trust, summing: checksum)
            let sum = try checksum.finish()
            try writing(path) { () throws(Errno) in try image.sync() }
            // Of an import that was interrupted there may be a sum without an image.
            try FileToRemove(SumFile.path(of: path), trust, isUnlinked: true)?.remove()
            let sumFile = try newFile(SumFile.path(of: path)) { out throws(Errno) in
                try writeAll(Array(SumFile.text(sum, of: path).utf8), to: out.descriptor)
            }
            made.append(sumFile)
            try writing(sumFile.path) { () throws(Errno) in
                try sumFile.sync()
                try sumFile.putInPlace()
            }
            // With its file the image exists.
            try writing(path) { () throws(Errno) in
                try image.putInPlace()
                try image.syncName()
            }
            return sum
        } catch {
            made.forEach { $0.remove() }
            throw error
        }
    }

    /// Of the file as it was downloaded, packed or not.
    private func compare(_ expected: ImageSum) throws(VMError) {
        let sum = try source.sum(trust)
        guard sum == expected.digits else {
            throw VMError(
                .badData, source.path.string, "its SHA-256 sum is not the expected one, so it was not imported",
                remedy: "download it again, or see whether the sum is that of another version",
                details: ["expected \(expected.digits)", "found    \(sum)"])
        }
    }

    private func newFile(
        _ path: FilePath, fill: (borrowing OwnedDescriptor) throws(Errno) -> Void
    ) throws(VMError) -> NewFile {
        do throws(PathWalk.Failure) {
            let place = try trust.findUnlinked(path)
            do throws(Errno) {
                return try NewFile(at: place, permissions: Self.permissions) { out throws(Errno) in
                    // Whatever the umask.
                    guard fchmod(out.rawValue, Self.permissions) == 0 else { throw Errno(rawValue: errno) }
                    try fill(out)
                }
            } catch { throw .system(error, path) }
        } catch {
            switch error {
            case .system(.fileExists, _):
                throw VMError(.cannotCreate, path.string, "exists already", remedy: "choose another name with --name")
            case .system(.tooManySymbolicLinkLevels, _): throw .isLink(path)
            case .system(let errno, _): throw .system(errno, path.string, "can't be created")
            case .distrusted(let distrust): throw distrust.refusal(toMake: path)
            }
        }
    }

    private func writing(_ path: FilePath, _ step: () throws(Errno) -> Void) throws(VMError) {
        do throws(Errno) { try step() } catch { throw .system(error, path.string, "can't be written") }
    }
}
