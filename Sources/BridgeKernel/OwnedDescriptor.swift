import SystemPackage

/// A file descriptor that closes itself.
package struct OwnedDescriptor: ~Copyable {
    /// The descriptor, which this value closes.
    package let descriptor: FileDescriptor

    /// Takes over an open descriptor.
    package init(_ descriptor: FileDescriptor) { self.descriptor = descriptor }

    /// Takes over the result of a CLinux function: a descriptor, or -errno.
    package init(returned value: CInt) throws(Errno) {
        guard value >= 0 else { throw Errno(rawValue: -value) }
        descriptor = FileDescriptor(rawValue: value)
    }

    deinit {
        // A close that fails has closed the descriptor all the same (close(2)), and there is nobody to report it to.
        try? descriptor.close()
    }

    /// The descriptor's number.
    package var rawValue: CInt { descriptor.rawValue }

    /// Gives the descriptor up without closing it.
    package consuming func release() -> CInt {
        let raw = descriptor.rawValue
        discard self
        return raw
    }
}
