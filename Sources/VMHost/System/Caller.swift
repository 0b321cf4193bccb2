import Glibc
import VMCore

/// Who gives the command, for a VM's history.
package enum Caller {
    /// As it is recorded: the user, the one behind sudo (`SUDO_USER` of sudo(8)), whether it is the service manager.
    // Determined once: several threads may stop VMs, and getpwuid(3) is not for several at once.
    package static let json: JSON = {
        let uid = geteuid()
        var by: [String: JSON] = ["uid": .integer(Int64(uid)), "user": .string(Accounts.name(uid))]
        if uid == 0, let user = getenv("SUDO_USER") { by["sudo"] = .string(String(cString: user)) }
        if ServiceManager.startedThisProcess { by["service"] = true }
        return .object(by)
    }()
}
