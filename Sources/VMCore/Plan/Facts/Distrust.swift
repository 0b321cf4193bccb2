import SystemPackage

/// Why a file is not used: somebody else could change it, or put another one in its place.
package struct Distrust: Error, Equatable, Sendable {
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

extension Distrust {
    /// In words, as what keeps a file from being used.
    package func sentence(for path: FilePath) -> String {
        let rule = "root uses only what nobody else can change"
        return place == path ? "\(reason): \(rule)" : "depends on \(place), which \(reason): \(rule)"
    }

    /// What to do about it.
    package var remedy: Remedy {
        owner == nil
            ? "take that right away from others (chmod go-w), or name a file elsewhere"
            : "if it should be root's, give it to root, and let nobody else write to it (chown, chmod)"
    }
}

extension Distrust {
    /// As what keeps a file from being made.
    package func refusal(toMake path: FilePath) -> VMError {
        VMError(
            .denied, path.string, sentence(for: path),
            remedy: "name a directory that only root can change, or run kvmctl as the user whose it is")
    }
}

extension Distrust {
    /// As what keeps a file from being used that a params file names.
    ///
    /// - Parameter place: where it is named.
    package func refusal(toUse file: FilePath, at place: String) -> VMError {
        VMError(.denied, place, "\(file) \(sentence(for: file))", remedy: remedy)
    }
}
