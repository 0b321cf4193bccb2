import SystemPackage
import VMCore
import VMHost

extension ImageLibrary {
    /// Compares an image with the sum that was written down when it was imported.
    ///
    /// If only its times have changed, that is put right: VMs that stand on it start again.
    ///
    /// - Throws: `.badData` if it is another one; `.notFound` if no sum was written down.
    package func verify(_ image: LibraryImage) throws(VMError) {
        if let fault = image.fault { throw fault }
        guard let expected = image.sum else {
            throw VMError(
                .notFound, image.path.string, "no sum was written down for it, so nothing can be compared",
                remedy: "import it with kvmctl image import, which does that")
        }
        let sum = try ImageSource(image.path, trust).sum(trust)
        guard sum == expected else {
            let standing =
                image.users.isEmpty
                ? "" : ", and disks stand on it: \(image.users.map(\.description).joined(separator: ", "))"
            throw VMError(
                .badData, image.path.string, "is no longer what was imported\(standing)",
                remedy: "put the right image back there, from where it came",
                details: ["expected \(expected)", "found    \(sum)"])
        }
        try SumFile.renew(of: image.path, trust)
    }
}
