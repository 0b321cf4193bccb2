import SystemPackage
import VMCore

extension ShareServer {
    /// This host's, which is asked which of the two it is.
    ///
    /// - Throws: `.unavailable` if there is none.
    package static func ask() throws(VMError) -> ShareServer {
        guard let path = Tool.virtiofsd.path else { throw Tool.virtiofsd.missing(for: "SHAREn") }
        let version = try Tool.virtiofsd.run(["--version"], for: path.string)
        return ShareServer(path: path, kind: Kind(version: String(decoding: version.prefix(64), as: UTF8.self)))
    }
}
