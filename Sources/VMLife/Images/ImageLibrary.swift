import Glibc
import SystemPackage
import VMCore
import VMHost

/// The images that have names: those in the directories of images.
package struct ImageLibrary {
    /// The directories, in the order in which a name is looked up.
    package let directories: [FilePath]
    let context: PlanningContext
    var trust: FileTrust { context.trust }

    /// The library of the context's site.
    package init(_ context: PlanningContext) {
        self.context = context
        directories = context.site.paths.images
    }

    /// Every image, by its name.
    ///
    /// - Parameter note: told why a directory can't be read.
    /// - Throws: why it can't be told which VMs stand on them.
    package func all(noting note: (VMError) -> Void) throws(VMError) -> [LibraryImage] {
        var images: [LibraryImage] = []
        for directory in directories {
            var files: [String] = []
            do throws(Errno) { files = try names(in: directory) ?? [] } catch {
                note(.system(error, directory.string, "can't be read"))
            }
            for file in files {
                guard let name = ImageName(inLibrary: file) else { continue }
                images.append(try image(name, at: directory.appending(file)))
            }
        }
        return images.sorted { ($0.name.description, $0.path.string) < ($1.name.description, $1.path.string) }
    }

    /// The image that a word names: at that path if it has a `/`; else by its name, in the first directory that has it.
    ///
    /// - Throws: `.notFound` if there is none.
    package func find(_ word: String) throws(VMError) -> LibraryImage {
        let path: FilePath
        if word.contains("/") {
            path = absolutePath(word)
        } else {
            guard let found = try file(named: word) else { throw notFound(word) }
            path = found
        }
        guard let file = path.lastComponent?.string,
            let name = ImageName(inLibrary: file) ?? ImageName(ofFile: path)
        else { throw notFound(word) }
        let image = try image(name, at: path)
        guard image.status != nil else { throw notFound(word) }
        return image
    }

    /// The file that is meant by a word that names an image or a file: an image's name goes first.
    ///
    /// - Returns: its path, and whether it is an image that has a name.
    /// - Throws: `.notFound` if it is neither.
    func file(meantBy word: String) throws(VMError) -> (path: FilePath, isNamed: Bool) {
        if !word.contains("/") {
            if let named = try file(named: word) { return (named, true) }
            let isThere: Bool
            do throws(Errno) { isThere = try VMHost.isThere(absolutePath(word)) } catch {
                throw .system(error, word, "can't tell whether it exists")
            }
            guard isThere else { throw notFound(word) }
        }
        return (absolutePath(word), false)
    }

    /// The file of the image with a name; nil if there is none.
    package func file(named word: String) throws(VMError) -> FilePath? {
        for directory in directories {
            let files: [String]
            do throws(Errno) { files = try names(in: directory) ?? [] } catch {
                throw .system(error, directory.string, "can't be read")
            }
            // By its whole name too, as completion and ls(1) have it.
            let file = files.sorted().first { ImageName(inLibrary: $0)?.description == word || $0 == word }
            if let file, ImageName(inLibrary: file) != nil { return directory.appending(file) }
        }
        return nil
    }

    private func notFound(_ word: String) -> VMError {
        VMError(
            .notFound, word, "there is no such image in \(directories.map(\.string).joined(separator: " or "))",
            remedy: "\(command: "kvmctl image list") lists them; a file elsewhere is named with a /, such as ./FILE")
    }

    private func image(_ name: ImageName, at path: FilePath) throws(VMError) -> LibraryImage {
        let claims = context.allClaims
        if let obstacle = claims.obstacle { throw obstacle }
        var image = LibraryImage(name: name, path: path)
        do throws(VMError) {
            image.status = try FileToRemove(path, trust)?.status
            guard let status = image.status else { return image }
            image.users = claims.users(of: status)
            let source = try ImageSource(path, trust)
            (image.format, image.size) = (source.format, source.size)
            image.sum = try SumFile.read(of: path, trust)
            if case .image(let facts) = ImageFacts(probing: path, trust, for: ImageQuestion(isBacking: true)) {
                image.isChanged = image.sum != nil && facts.isChangedSinceSummed
            }
        } catch { image.fault = error }
        return image
    }
}

/// An image that has a name.
package struct LibraryImage {
    /// Its name.
    package let name: ImageName
    /// Its file.
    package let path: FilePath
    /// Its format; nil: it can't be used.
    package var format: DiskFormat?
    /// What the guest sees.
    package var size: ByteCount?
    /// The SHA-256 sum that was written down; nil: none was.
    package var sum: String?
    /// Whether it was written to after that, by the files' times.
    package var isChanged = false
    /// The VMs that stand on it, or have it as a disk.
    package var users: [VMName] = []
    /// Why it can't be used.
    package var fault: VMError?
    var status: stat?

    /// An image of which nothing else is known yet.
    package init(name: ImageName, path: FilePath) { (self.name, self.path) = (name, path) }

    /// What it takes on the disk.
    package var allocated: ByteCount { ByteCount(blocks: UInt64(status?.st_blocks ?? 0), of: 512) }
}
