import SystemPackage
import VMCore
import VMHost

/// The image that a new VM's first disk is made of.
package struct ImageForNewVM {
    /// What the plan is told of it.
    package let image: NewVM.Image
    /// The size of the disk.
    package let size: ByteCount
    /// What is copied; nil: nothing is, the disk is an overlay.
    package let source: ImageSource?

    /// Finds it.
    ///
    /// - Parameters:
    ///   - word: a name that `image list` knows, of which the disk becomes an overlay; else a file, which is copied.
    ///   - copies: whether an image with a name is copied too.
    ///   - size: the disk's; nil: as it is in the image.
    package init(_ word: String, copies: Bool, size: ByteCount?, in context: PlanningContext) throws(VMError) {
        let (path, isNamed) = try ImageLibrary(context).file(meantBy: word)
        let source = try ImageSource(path, context.trust)
        let isBase = isNamed && !copies && source.packing == nil
        if isBase, case .image(let facts) = ImageFacts(probing: path, context.trust, for: .init(isBacking: true)),
            facts.isChangedSinceSummed
        {
            throw VMError(
                .badData, path.string, "was written to after it was imported",
                remedy: "\(command: "kvmctl image verify \(word)") says whether its content is another")
        }
        guard let wanted = size ?? source.size else {
            throw VMError(
                .usage, path.string, "is packed, and its size shows only once it is unpacked",
                remedy: "give the disk a size with --disk 20G, or import the image first")
        }
        if let own = source.size, wanted < own { throw SparseDisk.tooSmall(wanted, for: path, own) }
        image = NewVM.Image(path: path, format: source.format, isBase: isBase)
        (self.size, self.source) = (wanted, isBase ? nil : source)
    }
}
