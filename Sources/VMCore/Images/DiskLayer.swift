import SystemPackage

/// An image of a disk, or one that it stands on, as it looks from outside.
package struct DiskLayer: Equatable, Sendable {
    /// What it is to the disk.
    package enum Role: String, Sendable {
        /// The image that is written to.
        case disk
        /// What an overlay is a difference to.
        case backing
        /// The raw file that holds the data of a qcow2 image.
        case data
    }

    /// What it is to the disk.
    package var role: Role
    /// Its path; or the name that an image's header gives it, if that leads to no file of this host.
    package var name: String
    /// What it is opened as, by QEMU's name: as was declared, else as its first bytes look; nil: not known.
    package var format: String?
    /// What is there; nil: nothing, or it could not be looked at.
    package var found: Found?
    /// Why it could not be looked at, or not into it.
    package var obstacle: VMError?
    /// Whether its name leads to a file of this host.
    package var isFile = true
    /// Whether it is one that comes above it in its chain: a loop, which no QEMU opens.
    package var isAbove = false

    /// Whether nothing is there. What could not be looked at may be there.
    package var isMissing: Bool { isFile && found == nil && obstacle == nil }

    /// An image of which nothing is known yet.
    package init(_ role: Role, _ name: String, format: String? = nil) {
        (self.role, self.name, self.format) = (role, name, format)
    }

    /// A file or a block device.
    package struct Found: Equatable, Sendable {
        /// Which file it is.
        package var identity: FileIdentity
        /// Its length; nil: a device that may not be read.
        package var apparent: ByteCount?
        /// What it takes on the disk; nil: it is a block device.
        package var allocated: ByteCount?
        /// How much of it are holes; nil: nobody counted, or it may not be read.
        package var holes: ByteCount?
        /// What its first bytes look like; nil: they may not be read.
        package var content: ImageContent?
        /// The size of the disk in it, if it is a qcow2 image.
        package var qcow2Size: ByteCount?
        /// The files that its header names.
        package var header: QCOW2Header?
        /// The locks that QEMUs hold on it; nil: that can't be told.
        package var locks: Set<ImageLock>?

        /// Something of which only that is known.
        package init(_ identity: FileIdentity) { self.identity = identity }
    }

    /// The size of the disk that a guest sees; nil: not known.
    package var virtualSize: ByteCount? {
        switch format {
        case DiskFormat.raw.rawValue: found?.apparent
        case DiskFormat.qcow2.rawValue: found?.qcow2Size
        default: nil
        }
    }
}

extension DiskLayer {
    /// The next layer as this one's header names it, and as nobody has looked at it yet; nil: it stands on nothing.
    ///
    /// - Parameter path: its own path: a relative name starts there.
    package func named(at path: FilePath) -> DiskLayer? {
        guard format == DiskFormat.qcow2.rawValue, let header = found?.header else { return nil }
        func layer(_ role: Role, _ part: QCOW2Header.Part, _ format: String?) -> DiskLayer {
            guard case .named(let name) = part else {
                var layer = DiskLayer(role, "(a name that can't be read)", format: format)
                layer.isFile = false
                return layer
            }
            let file = ImageReference.files(name, in: path).first
            var layer = DiskLayer(role, file?.lexicallyNormalized().string ?? name, format: format)
            layer.isFile = file != nil
            return layer
        }
        if let data = header.data { return layer(.data, data, DiskFormat.raw.rawValue) }
        return header.backing.map { layer(.backing, $0, header.backingFormat) }
    }
}

extension ImageContent {
    /// Why an image can't be opened as its VM's file says, in words after its path; nil: it can be.
    ///
    /// - Parameter declared: its format, as that file has it; nil: it has none.
    package func objection(to declared: DiskFormat?) -> String? {
        switch (declared, self) {
        case (.raw?, _), (nil, .raw), (.qcow2?, .qcow2): nil
        case (nil, _): "looks like a \(name) image, which a guest can fake: its format has to be set"
        case (.qcow2?, _): "is not a qcow2 image"
        }
    }
}
