import SystemPackage

/// A file descriptor that is closed when its owner goes.
struct OwnedDescriptor: ~Copyable {
    let raw: CInt

    /// Takes over what a C function of CLinux returned: a descriptor, or -errno.
    init(_ result: CInt) throws(Errno) {
        guard result >= 0 else { throw Errno(rawValue: -result) }
        self.raw = result
    }

    /// Hands the descriptor over: from here on somebody else closes it.
    consuming func release() -> CInt {
        let raw = raw
        discard self
        return raw
    }

    deinit {
        // A close that fails has closed all the same (close(2)), and there is nobody to tell.
        try? FileDescriptor(rawValue: raw).close()
    }
}
