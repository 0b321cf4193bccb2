import SystemPackage
import VMCore

/// A table of nftables that lives as long as a resource, and the script that makes it. The script is kept in a file: who
/// flushes all rules of the host takes the table away, and the doctor says how to put it back.
package struct RuleTable {
    let family: String
    let name: String
    /// What nft reads: the whole table, whatever was in it before.
    let script: String

    package init(family: String, name: String, script: String) {
        self.family = family
        self.name = name
        self.script = script
    }

    /// Makes it, whatever is there of it already.
    ///
    /// - Parameter subject: what it is for, for errors.
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
