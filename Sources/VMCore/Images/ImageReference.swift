import SystemPackage

/// How an image names another one (QEMU, qemu-block-drivers(7)): by a path; by a protocol and a path; or by `json:` and
/// the options of a block device.
package enum ImageReference {
    /// The files that a name may mean; none if it is not a file on this host.
    ///
    /// - Parameter image: the image that holds the name: a relative path starts at its directory.
    package static func files(_ name: String, in image: FilePath) -> [FilePath] {
        let directory = image.removingLastComponent()
        func path(_ text: some StringProtocol) -> FilePath { directory.pushing(FilePath(String(text))) }
        if name.hasPrefix("json:") {
            guard let options = try? JSON(parsing: Array(name.dropFirst(5).utf8)) else { return [] }
            return filenames(in: options).map(path)
        }
        if name.hasPrefix("file:") { return [path(name.dropFirst(5).trimmingPrefix("//"))] }
        // A colon before the first slash belongs to a protocol, such as nbd:, as it does for QEMU (path_has_protocol).
        let colon = name.firstIndex(of: ":"), slash = name.firstIndex(of: "/")
        if let colon, slash.map({ colon < $0 }) ?? true { return [] }
        return [path(name)]
    }

    /// Every `filename` in it, however deep: drivers are stacked. (JSON's reader bounds the depth.)
    private static func filenames(in options: JSON) -> [String] {
        switch options {
        case .object(let members):
            members.flatMap { key, value in
                if key == "filename" || key.hasSuffix(".filename"), let name = value.string { return [name] }
                return filenames(in: value)
            }
        case .array(let values): values.flatMap(filenames)
        default: []
        }
    }
}
