/// Where bytes from the kernel stop making sense.
package struct WireError: Error, Equatable {
    /// What was being read, such as `attribute`.
    let what: String
    /// What is wrong with it.
    let problem: Problem

    package init(what: String, problem: Problem) {
        self.what = what
        self.problem = problem
    }

    package enum Problem: Equatable {
        /// It needs more bytes than there are.
        case truncated(needed: Int, available: Int)
        /// It claims to be shorter than its header.
        case lengthTooSmall(Int)
        /// It is not there.
        case missing
        /// An impossible value.
        case unexpected(UInt64)
    }
}

extension WireError: CustomStringConvertible {
    package var description: String {
        switch problem {
        case .truncated(let needed, let available): "\(what) of \(needed) bytes where only \(available) are left"
        case .lengthTooSmall(let length): "\(what) with the impossible length \(length)"
        case .missing: "no \(what)"
        case .unexpected(let value): "unexpected \(what) \(value)"
        }
    }
}
