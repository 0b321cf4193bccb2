import SystemPackage

extension DeviceCondition {
    /// Creates the device's file as udev does (Documentation/admin-guide/devices.txt; 50-udev-default.rules).
    private static let making = ("mkdir -p /dev/net" as ShellCommand).and("mknod -m 666 /dev/net/tun c 10 200")

    /// Why no tap can be created with /dev/net/tun in this condition, and what to do about it; nil: one can.
    var tapFault: (cause: String, remedy: Remedy)? {
        switch self {
        case .usable: nil
        case .refused(let errno):
            (
                "/dev/net/tun can't be opened: \(errno.description): no VM can have a tap",
                "allow access to it in the container or VM that this host itself runs in"
            )
        case .another:
            (
                "/dev/net/tun is not the device that belongs there: no VM can have a tap",
                "find out what created it, and replace it with the device, number 10:200"
            )
        case .missing(.running):
            (
                "/dev/net/tun is missing, although its driver is loaded: no VM can have a tap",
                .run("make it", Self.making)
            )
        case .missing(.loadable):
            ("/dev/net/tun is missing: no VM can have a tap", .run("load its driver", "modprobe tun"))
        case .missing(.none):
            (
                "/dev/net/tun is missing, and its driver was not found: no VM can have a tap",
                """
                load the driver with \(command: "modprobe tun"), for a container on its host; if the file is still \
                missing then, create it: \(command: Self.making)
                """
            )
        }
    }
}
