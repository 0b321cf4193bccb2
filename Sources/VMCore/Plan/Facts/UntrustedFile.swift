import SystemPackage

/// Why a file is not used: somebody else could change or replace it.
package struct UntrustedFile: Error, Equatable, Sendable {
    /// The file, or the directory or link on the way to it.
    package var place: FilePath
    /// Why, in one clause: `belongs to bob`.
    package var reason: String
    /// The account that could change it, where it is a single one, by its uid.
    package var owner: UInt32?

    package init(place: FilePath, reason: String, owner: UInt32? = nil) {
        self.place = place
        self.reason = reason
        self.owner = owner
    }
}

extension UntrustedFile {
    /// In words, as the reason why a file can't be used.
    package func sentence(for path: FilePath) -> String {
        let rule = "root uses only what nobody else can change"
        return place == path ? "\(reason): \(rule)" : "depends on \(place), which \(reason): \(rule)"
    }

    /// What to do about it.
    package var remedy: Remedy {
        owner == nil
            ? "take write permission away from others (chmod go-w), or name a file elsewhere"
            : "if it should belong to root, give it to root and let nobody else write to it (chown, chmod)"
    }
}

extension UntrustedFile {
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
        VMError(.denied, place, "\(file) \(sentence(for: file))", remedy: remedy)
    }
}
