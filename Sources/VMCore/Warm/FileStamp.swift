/// What tells a file from another one, and from itself before it was changed (inode(7)). For a warm image, unlike for a
/// suspended VM, a file that was moved elsewhere counts as another one: it costs no more than to boot once.
package struct FileStamp: Equatable, Sendable {
    /// Which file it is.
    package var identity: FileIdentity
    /// Its size in bytes.
    package var size: Int64
    /// When it was last written to, in nanoseconds since the epoch.
    package var modified: Int64
    /// When it was last changed in any way, its times included, which nobody can set.
    package var changed: Int64

    /// Describes a file; see the properties.
    package init(_ identity: FileIdentity, size: Int64, modified: Int64, changed: Int64) {
        (self.identity, self.size, self.modified, self.changed) = (identity, size, modified, changed)
    }
}

extension FileStamp {
    var json: JSON {
        [
            "device": .string("\(identity.device)"), "inode": .string("\(identity.inode)"), "size": .integer(size),
            "modifiedNanoseconds": .integer(modified), "changedNanoseconds": .integer(changed),
        ]
    }

    init?(_ json: JSON) {
        guard let device = json["device"]?.string.flatMap({ UInt64($0) }),
            let inode = json["inode"]?.string.flatMap({ UInt64($0) }), let size = json["size"]?.integer,
            let modified = json["modifiedNanoseconds"]?.integer, let changed = json["changedNanoseconds"]?.integer
        else { return nil }
        self.init(FileIdentity(device: device, inode: inode), size: size, modified: modified, changed: changed)
    }

    /// What became of a file; nil: nothing.
    ///
    /// - Parameters:
    ///   - old: nil: it was not there.
    ///   - new: nil: it is not there now.
    static func change(from old: FileStamp?, to new: FileStamp?) -> String? {
        guard old != new else { return nil }
        guard let old else { return "was not there" }
        guard let new else { return "is no longer there" }
        if old.identity != new.identity { return "is another file" }
        return old.size != new.size || old.modified != new.modified ? "was written to" : "was changed"
    }
}
