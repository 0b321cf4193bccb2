import Glibc
import SystemPackage
import VMCore
import VMHost

extension ParamsSource {
    /// Reads the files that this one includes, each of them by the one before.
    ///
    /// - Parameter read: reads a file as this one was read: an included file says what is done just as well.
    /// - Throws: why one can't be used; the error names it and the line that includes it.
    func included(reading read: (FilePath) throws(PathWalk.Failure) -> [UInt8]) throws(VMError) -> [ParamsSource] {
        var sources = [self]
        // Hardly a file has the word, and finding that out is quicker than looking for the line.
        while sources.last?.bytes.mention(ParamsKey.include.pattern) == true, let next = try sources.nextInclude() {
            do throws(PathWalk.Failure) { sources.append(ParamsSource(next.file, try read(next.file))) } catch {
                throw Self.refusal(of: next.file, at: next.place, error)
            }
        }
        return Array(sources.dropFirst())
    }

    private static func refusal(of file: FilePath, at place: String, _ failure: PathWalk.Failure) -> VMError {
        switch failure {
        case .system(.notSupported, _): VMError(.badData, place, "\(file) is not a file")
        case .system(.noSuchFileOrDirectory, _):
            VMError(
                .notFound, place, "\(file) does not exist",
                remedy: "correct the line; a relative path is relative to the directory of the file that it stands in")
        case .system(let errno, _):
            .system(
                errno, place, "\(file) can't be read",
                remedy: errno == .permissionDenied && geteuid() != 0
                    ? "run kvmctl as root, or as a user who may read it" : nil)
        case .distrusted(let distrust):
            VMError(.denied, place, "\(file) \(distrust.sentence(for: file))", remedy: distrust.remedy)
        }
    }
}
