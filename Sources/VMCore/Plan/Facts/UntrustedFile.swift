import SystemPackage

/// Why a file is not used: somebody else could change or replace it.
package struct UntrustedFile: Error, Equatable, Sendable {
    /// The file, or the directory or link on the way to it.
    package var place: FilePath
    /// Why.
    package var cause: Cause

    package init(_ cause: Cause, at place: FilePath) {
        self.place = place
        self.cause = cause
    }

    /// Why a file is not trusted.
    package enum Cause: Equatable, Sendable {
        /// It belongs to this account.
        case owner(UInt32, name: String)
        /// What it seems to be is only a claim of a program of this account, which serves its file system.
        case served(by: String)
        /// Who serves its file system is not known.
        case unknownServer
        /// Everyone can write to it; the mode is octal.
        case everyone(mode: String)
        /// A group can write to it; the mode is octal.
        case group(String, mode: String)
        /// It is not known who chose it: anyone may have made one of its names.
        case otherNames
    }

    /// The account that could change it, where it is a single one, by its uid.
    package var owner: UInt32? { if case .owner(let uid, _) = cause { uid } else { nil } }
}

extension UntrustedFile.Cause: CustomStringConvertible {
    /// In one clause: `belongs to bob`.
    package var description: String {
        switch self {
        case .owner(_, let name): "belongs to \(name)"
        case .served(let account): "is on a file system served by a program of the account \(account)"
        case .unknownServer: "is on a file system whose server can't be determined"
        case .everyone(let mode): "can be changed by everyone (mode \(mode))"
        case .group(let name, let mode): "can be changed by the group \(name) (mode \(mode))"
        case .otherNames: "has other names (hard links), and is in a directory where everyone may make them"
        }
    }
}

extension UntrustedFile {
    /// In words, as the reason why a file can't be used.
    package func sentence(for path: FilePath) -> String {
        let rule = "root uses only what nobody else can change"
        return place == path ? "\(cause): \(rule)" : "depends on \(place), which \(cause): \(rule)"
    }

    /// What to do about it.
    package var remedy: Remedy {
        owner == nil
            ? "take write permission away from others (chmod go-w), or name a file elsewhere"
            : "if it should belong to root, give it to root and let nobody else write to it (chown, chmod)"
    }
}

extension UntrustedFile {
    /// The error for a file that a command line names, and that is not read because of it.
    package func refusal(toRead path: FilePath) -> VMError {
        VMError(
            .denied, path.string, sentence(for: path),
            remedy: owner == nil ? remedy : "copy it to where only root can change it, and look at it first")
    }

    /// The error for a file that can't be created because of it.
    package func refusal(toMake path: FilePath) -> VMError {
        VMError(
            .denied, path.string, sentence(for: path),
            remedy: "name a directory that only root can change, or run kvmctl as the user who owns it")
    }
}

extension UntrustedFile {
    /// The error for a file that a params file names and that can't be used because of it.
    ///
    /// - Parameter place: where it is named.
    package func refusal(toUse file: FilePath, at place: String) -> VMError {
        VMError(
            .denied, place, "\(file) \(sentence(for: file))", remedy: remedy, condition: .file(file, .untrusted))
    }
}
