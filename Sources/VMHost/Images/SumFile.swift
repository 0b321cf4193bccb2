import BridgeKernel
import Glibc
import SystemPackage
import VMCore

/// The SHA-256 sum of an image, in a file beside it, as sha256sum(1) writes and checks it: `IMAGE.sha256`.
package enum SumFile {
    /// What its name has after the image's.
    package static let suffix = ".sha256"

    /// Where that of an image is.
    package static func path(of image: FilePath) -> FilePath {
        image.removingLastComponent().appending((image.lastComponent?.string ?? "") + suffix)
    }

    /// Its content.
    package static func text(_ sum: String, of image: FilePath) -> String {
        "\(sum)  \(image.lastComponent?.string ?? "")\n"
    }

    /// The sum that is written there; nil if there is none.
    ///
    /// - Throws: why it can't be read; `.badData` if it holds no sum.
    package static func read(of image: FilePath, _ trust: FileTrust) throws(VMError) -> String? {
        let path = path(of: image)
        do throws(PathWalk.Failure) {
            let found = try trust.findUnlinked(path)
            guard found.status != nil else { return nil }
            do throws(Errno) {
                let opened = try found.openRegular()
                let text = String(decoding: try readAll(opened.descriptor, limit: 4096), as: UTF8.self)
                guard let sum = ImageSum(text) else { throw .invalidArgument }
                return sum.digits
            } catch { throw .system(error, path) }
        } catch {
            switch error {
            case .system(.invalidArgument, _):
                throw VMError(
                    .badData, path.string, "holds no SHA-256 sum",
                    remedy: "write it anew: sha256sum IMAGE >IMAGE.sha256")
            case .system(let errno, _): throw .system(errno, path.string, "can't be read")
            case .distrusted(let distrust): throw distrust.refusal(toUse: path, at: path.string)
            }
        }
    }
}

extension SumFile {
    /// Notes that the image still has the sum: it is not newer than that any more.
    package static func renew(of image: FilePath, _ trust: FileTrust) throws(VMError) {
        let path = path(of: image)
        do throws(PathWalk.Failure) {
            let found = try trust.findUnlinked(path)
            do throws(Errno) {
                let opened = try found.openRegular()
                // Both times: now.
                guard futimens(opened.rawValue, nil) == 0 else { throw Errno(rawValue: errno) }
            } catch { throw .system(error, path) }
        } catch {
            switch error {
            // Whoever may only look at the image may compare it too.
            case .system(.notPermitted, _), .system(.permissionDenied, _), .system(.readOnlyFileSystem, _): return
            case .system(let errno, _): throw .system(errno, path.string, "can't be written to")
            case .distrusted(let distrust): throw distrust.refusal(toUse: path, at: path.string)
            }
        }
    }
}

extension FoundFile {
    /// When its sum was written down; nil: it has none.
    var summed: timespec? {
        guard let name = FilePath.Component((path.lastComponent?.string ?? "") + SumFile.suffix) else { return nil }
        return (try? sibling(name))?.status?.st_mtim
    }
}
