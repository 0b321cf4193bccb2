/// Identifies a file that a VM names, whatever paths lead to it, even if it does not exist yet.
package enum FilePlace: Hashable, Sendable {
    /// A file.
    case file(FileIdentity)
    /// A block device, by its number: /dev may have several files for it.
    case device(UInt64)
    /// A file that does not exist, by its directory and its name there.
    case absent(in: FileIdentity, name: String)
}
