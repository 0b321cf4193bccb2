import SystemPackage

extension DeviceCondition {
    /// Creates the device's file as udev does (Documentation/admin-guide/devices.txt; 50-udev-default.rules).
    private static let making = ("mkdir -p /dev/net" as ShellCommand).and("mknod -m 666 /dev/net/tun c 10 200")

    /// The device that taps are made through.
    static let tunPath = "/dev/net/tun"

    /// What is wrong with /dev/net/tun in this condition, so that no tap can be created, and what to do about it; nil:
    /// nothing. The cause is a clause about the device.
    var tapFault: (cause: String, remedy: Remedy)? {
        switch self {
        case .usable: nil
        case .refused(let errno):
            (
                "can't be opened: \(errno.description): no VM can have a tap",
                "allow access to it in the container or VM that this host itself runs in"
            )
        case .another:
            (
                "is not the device that belongs there: no VM can have a tap",
                "find out what created it, and replace it with the device, number 10:200"
            )
        case .missing(.running):
            (
                "is missing, although its driver is loaded: no VM can have a tap",
                .run("make it", Self.making)
            )
        case .missing(.loadable):
            ("is missing: no VM can have a tap", .run("load its driver", "modprobe tun"))
        case .missing(.none):
            (
                "is missing, and its driver was not found: no VM can have a tap",
                """
                load the driver with \(command: "modprobe tun"), for a container on its host; if the file is still \
                missing then, create it: \(command: Self.making)
                """
            )
        }
    }
}
