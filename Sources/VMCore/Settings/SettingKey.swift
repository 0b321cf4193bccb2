/// A key of kvmctl.conf.
package enum SettingKey: String, CaseIterable, Sendable {
    case roots = "VMS"
    case images = "IMAGES"
    case quiet = "QUIET"
    case listColumns = "LIST_COLUMNS"
    case createMemory = "CREATE_MEMORY"
    case createCPUs = "CREATE_CPUS"
    case createDisk = "CREATE_DISK"
    case createNet = "CREATE_NET"
    case createVNC = "CREATE_VNC"
    case warmCache = "WARM_CACHE"

    /// What it is for, in one clause.
    package var summary: String {
        switch self {
        case .roots:
            "the directories that hold VMs, absolute, with colons between them; default: /vms, for users ~/vms before it"
        case .images:
            "the directories of images, absolute, with colons between them; default: /var/lib/kvmctl/images, for users ~/.local/share/kvmctl/images before it"
        case .quiet: "whether notices are left out: yes or no"
        case .listColumns: "the columns of list, as its -o"
        case .createMemory: "the memory of a new VM"
        case .createCPUs: "its virtual processors"
        case .createDisk: "the size of its disk, or none"
        case .createNet: "its network, as --net; default: bridge:br0 for root, user for others"
        case .createVNC: "its VNC display, as --vnc"
        case .warmCache: "how much the warm images may take in all, before the least recently used are removed"
        }
    }

    /// The default; nil: it depends on who asks.
    package var standard: String? {
        switch self {
        case .roots, .images, .createNet: nil
        case .quiet: "no"
        case .listColumns: ListColumn.usual.map(\.rawValue).joined(separator: ",")
        case .createMemory: "1G"
        case .createCPUs: "1"
        case .createDisk: "none"
        case .createVNC: "auto"
        case .warmCache: "4G"
        }
    }

    /// A valid value that is not the default.
    package var example: String {
        switch self {
        case .roots: "/srv/vms:/vms"
        case .images: "/srv/images"
        case .quiet: "yes"
        case .listColumns: "name,state,description"
        case .createMemory: "2G"
        case .createCPUs: "2"
        case .createDisk: "20G"
        case .createNet: "nat"
        case .createVNC: "none"
        case .warmCache: "20G"
        }
    }

    /// The key that an unknown one was most likely meant to be; nil: none is near.
    package static func nearest(to word: String) -> SettingKey? {
        let upper = word.uppercased()
        // As in the environment, and as in vm.params.
        let plain = upper.hasPrefix("KVMCTL_") ? String(upper.dropFirst(7)) : upper
        return SettingKey(rawValue: plain) ?? SettingKey(rawValue: "CREATE_\(plain)")
            ?? Nearest.match(plain, among: allCases.map(\.rawValue)).flatMap { SettingKey(rawValue: $0) }
    }
}
