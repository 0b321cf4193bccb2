import Glibc
import SystemPackage
import VMCore
import VMHost

/// The host's ends of the copies of a run. What they lack is told before a guest is booted, or a test run, whose result would
/// then be lost.
package struct CopyPlaces {
    private let sources: [String]
    private let targets: [String]
    private let trust: FileTrust

    /// - Parameters:
    ///   - copiesIn: from where on the host to where in the guest.
    ///   - copiesOut: from where in the guest to where on the host.
    ///   - trust: whose directories may be written to.
    package init(
        copiesIn: [(from: String, to: String)], copiesOut: [(from: String, to: String)], _ trust: FileTrust
    ) {
        (sources, targets, self.trust) = (copiesIn.map(\.from), copiesOut.map(\.to), trust)
    }

    /// Refuses sources that can't be read, and targets that can't be made. The copies themselves look again.
    package func refuseUnusable() throws(VMError) {
        var faults = sources.compactMap(Self.fault(ofSource:))
        var made: [FilePath] = []
        for target in targets {
            if let fault = fault(of: target, besides: made) { faults.append(fault) }
            made.append(absolutePath(target).lexicallyNormalized())
        }
        guard var first = faults.first else { return }
        first.details += faults.dropFirst().map(\.summary)
        throw first
    }

    private static func fault(ofSource text: String) -> VMError? {
        let path = absolutePath(text)
        do throws(Errno) {
            guard let found = try status(of: path) else { throw .noSuchFileOrDirectory }
            let isDirectory = found.kind == S_IFDIR
            guard isDirectory || found.kind == S_IFREG else {
                return VMError(.badData, text, "is not a file: devices, FIFOs and sockets are not copied")
            }
            try access(path, isDirectory ? R_OK | X_OK : R_OK)
            return nil
        } catch { return .system(error, text, "can't be copied into the guest") }
    }

    /// - Parameter made: what the copies before it make.
    private func fault(of text: String, besides made: [FilePath]) -> VMError? {
        let path = absolutePath(text)
        let place: FilePath
        do throws(Errno) {
            let isDirectory = try status(of: path)?.kind == S_IFDIR
            place = isDirectory ? path : path.removingLastComponent()
            let normal = place.lexicallyNormalized()
            if made.contains(where: { normal.starts(with: $0) }) { return nil }
            guard let found = try status(of: place) else {
                return VMError(
                    .cannotCreate, text, "can't be copied to: there is no directory \(place)",
                    remedy: .run("make it", "mkdir -p \(place)"))
            }
            guard found.kind == S_IFDIR else {
                return VMError(.cannotCreate, text, "can't be copied to: \(place) is not a directory")
            }
        } catch { return .system(error, text, "can't be copied to") }
        do throws(PathWalk.Failure) {
            let tree = try Tree(place, trust)
            if place != path, let name = path.lastComponent {
                do throws(VMError) { try tree.refuseUnlessReplaceable(Array(name.string.utf8), isNamed: true) } catch {
                    return error
                }
            }
            do throws(Errno) { try Self.access(place, W_OK | X_OK) } catch { throw .system(error, place) }
            return nil
        } catch {
            switch error {
            case .system(let errno, _): return .system(errno, text, "can't be copied to: \(place) can't be written to")
            case .distrusted(let distrust): return distrust.refusal(toMake: place)
            }
        }
    }

    /// As this process acts, not as who called it (access(2)).
    private static func access(_ path: FilePath, _ mode: CInt) throws(Errno) {
        let result = path.withPlatformString { faccessat(AT_FDCWD, $0, mode, AT_EACCESS) }
        if result != 0 { throw Errno(rawValue: errno) }
    }
}
