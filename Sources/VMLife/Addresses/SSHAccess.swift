import VMCore
import VMHost

/// How to reach a running VM's SSH server.
package struct SSHAccess: Sendable {
    /// Where it is.
    package let target: SSHTarget
    /// What the guest's host key is known by. It holds the UUID, so that no other VM ever has it.
    package let identity: String
}

extension Machine {
    /// Finds out how to reach its SSH server. Nothing is connected to.
    ///
    /// - Throws: `.busy` if the VM is not running; `.unavailable` if no address is known, with what was seen.
    package func sshAccess() throws(VMError) -> SSHAccess {
        let vm = try runningManifest(or: "nothing answers there", telling: "its NICs are").vm
        let identity = "kvmctl-\(name)-\(vm.uuid ?? "")"
        // QEMU's own network has no address that the host could reach: no need to look for one.
        let isOnlyUser = vm.nics.allSatisfy { $0.network == .user }
        if isOnlyUser, let target = SSHTarget(vm.forwards) { return SSHAccess(target: target, identity: identity) }
        let found = try addressSearch(AddressFilter()).report(waitingUntil: nil)
        if let target = SSHTarget(found) { return SSHAccess(target: target, identity: identity) }
        if let problem = found.problem(after: nil) { throw problem }
        throw VMError(
            .unavailable, name.description, "the host reaches none of its addresses: they are on QEMU's own network",
            remedy: "forward a port to its port 22, such as FORWARD0=tcp:127.0.0.1:2222:22, in \(file), and restart it")
    }
}
