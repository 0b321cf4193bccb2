import SystemPackage
import VMCore

/// An nftables table that lives as long as a resource, and the script that makes it. The script is kept in a file, so
/// that `doctor` can say how to restore the table after the host's rules were flushed.
package struct RuleTable {
    let family: String
    let name: String
    /// The input for nft: it replaces the whole table.
    let script: String

    package init(family: String, name: String, script: String) {
        self.family = family
        self.name = name
        self.script = script
    }

    /// Makes it, or replaces it.
    ///
    /// - Parameter subject: its purpose, for errors.
    package func make(
        noting journal: inout ResourceJournal, in paths: Paths, for subject: String
    ) throws(VMError) {
        let file = paths.rules.appending(name)
        try makePrivateDirectory(paths.rules, below: paths.run)
        try journal.note(.table(family: family, name: name, script: file))
        do throws(Errno) { try replaceFile(file, with: Array(script.utf8), permissions: 0o600) } catch {
            throw .system(error, file.string, "can't be written")
        }
        try Tool.nft.run(["-f", file.string], for: subject)
    }
}
