/// Which CPUs a VM can have.
package struct HostCPUs: Equatable, Sendable {
    /// Those of the host that are online.
    package var online: CPUSet
    /// Those of them that the kernel gives to a process of this cgroup (cpuset(7)).
    package var allowed: CPUSet

    /// Describes a host; see the properties.
    package init(online: CPUSet, allowed: CPUSet) {
        self.online = online
        self.allowed = allowed
    }
}
