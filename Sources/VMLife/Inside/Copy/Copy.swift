import Glibc
import SystemPackage
import VMCore
import VMHost

/// How a copy is made.
package struct CopyOptions: Sendable {
    /// Directories too, with what is in them.
    package var isRecursive = false
    /// What is there already stays, and what was begun is continued.
    package var resumes = false
    /// The guest's user; nil: root.
    package var user: String?

    package init() {}
}

/// What a copy has of its caller.
package struct CopyWatch {
    /// The next signal to pass on, if one has come.
    package var signal: () -> GuestSignal?
    /// Whether the copy is to end.
    package var isInterrupted: () -> Bool
    /// Is told of each step.
    package var progress: (CopyProgress) -> Void

    package init(
        signal: @escaping () -> GuestSignal?, isInterrupted: @escaping () -> Bool,
        progress: @escaping (CopyProgress) -> Void
    ) {
        (self.signal, self.isInterrupted, self.progress) = (signal, isInterrupted, progress)
    }

    /// Notes a step.
    ///
    /// - Throws: if the copy is to end.
    func note(_ progress: CopyProgress) throws(VMError) {
        self.progress(progress)
        if isInterrupted() { throw VMError(.busy, "cp", "interrupted") }
    }
}

/// How far a copy is, in bytes of content.
package struct CopyProgress: Sendable {
    package var done: Int64 = 0
    /// How much of that was there already.
    package var kept: Int64 = 0
    package var total: Int64 = 0
    /// The file in progress, for people.
    package var file = ""
    /// Whether a directory gets a new name: the same command would now copy it into the directory of that name.
    package var isRenaming = false

    package init(done: Int64 = 0, total: Int64 = 0, file: String = "") {
        (self.done, self.total, self.file) = (done, total, file)
    }
}

/// What a copy came to.
package struct CopyResult: Sendable {
    /// Whether something was copied, or was there already.
    package var isSome = false
    /// What was not copied, and why.
    package var failures: [VMError] = []
}

extension VMError {
    /// The refusal of what is neither a file nor a directory nor a link.
    static func notCopied(_ path: String) -> VMError {
        VMError(.badData, path, "was not copied: it is a device, a FIFO or a socket")
    }
}

extension CopyResult {
    /// Does something for one of the files; if that fails, the others are copied all the same.
    mutating func attempt(_ subject: String, _ body: () throws(Errno) -> Void) {
        do throws(Errno) { try body() } catch { failures.append(.system(error, subject, "was not copied")) }
    }
}

extension Array {
    /// Those of which something is not so, and those of which it is, in order.
    func parted(by isSecond: (Element) -> Bool) -> ([Element], [Element]) {
        reduce(into: ([], [])) { parts, element in
            if isSecond(element) { parts.1.append(element) } else { parts.0.append(element) }
        }
    }
}
