import SystemPackage
import VMCore
import VMHost

/// Removes an image that no VM stands on.
package struct ImageRemoval {
    /// The files that are removed: the sum first, so that what is left of an interrupted removal is an image.
    package var files: [FilePath] { doomed.map(\.path) }
    private let doomed: [FileToRemove]

    /// Plans it. Touches nothing.
    ///
    /// - Throws: `.busy` if a VM uses the image, or if that can't be told.
    package init(_ image: LibraryImage, from library: ImageLibrary) throws(VMError) {
        if let users = StandingVMs(image.users) {
            throw VMError(
                .busy, image.name.description, "disks of VMs are overlays of it, or it is their disk: \(users)",
                remedy: "remove these VMs first: their disks can't be read without the image")
        }
        if let gap = library.context.allClaims.gap(besides: "", at: image.path) {
            throw VMError(
                .busy, image.name.description, "\(gap), so a VM might stand on it",
                remedy: "make that readable first, or run kvmctl as root")
        }
        if ImageFacts(probing: image.path, library.trust).isLocked {
            throw VMError(
                .busy, image.path.string, "is in use by another process",
                remedy: "\(command: "lslocks") names the process")
        }
        guard let file = try FileToRemove(image.path, library.trust, isUnlinked: true) else {
            throw VMError(.notFound, image.path.string, "does not exist")
        }
        let sum = try FileToRemove(SumFile.path(of: image.path), library.trust, isUnlinked: true)
        doomed = [sum, file].compactMap(\.self)
    }

    /// Removes it.
    package func remove() throws(VMError) {
        for file in doomed { try file.refuseReplaced() }
        for file in doomed { try file.remove() }
    }
}
