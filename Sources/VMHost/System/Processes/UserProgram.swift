import Glibc
import SystemPackage
import VMCore

/// A program that the user could have started: kvmctl turns into it, with the user's terminal, environment and rights.
package struct UserProgram: Sendable {
    /// Where it is.
    package let path: FilePath

    /// Looks for it in PATH; nil if it is not there.
    package init?(_ name: String) {
        guard let path = Tool(name: name, package: "").path else { return nil }
        self.path = path
    }

    /// Turns this process into the program.
    ///
    /// - Parameter variables: is added to the environment.
    /// - Throws: why it can't be run. Otherwise it does not return.
    package func become(_ arguments: [String], adding variables: [String: String] = [:]) throws(VMError) -> Never {
        for (name, value) in variables { setenv(name, value, 1) }
        fflush(nil)
        var words = ([path.string] + arguments).map { strdup($0) } + [nil]
        // All descriptors that kvmctl opened are closed by it.
        _ = path.withPlatformString { execv($0, &words) }
        throw .system(Errno(rawValue: errno), path.string, "can't be run")
    }
}
