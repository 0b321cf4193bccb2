import SystemPackage

extension DeviceCondition {
    /// Makes the device's file as udev does (Documentation/admin-guide/devices.txt; 50-udev-default.rules).
    private static let making = ("mkdir -p /dev/net" as ShellCommand).and("mknod -m 666 /dev/net/tun c 10 200")

    /// Why no tap can be made through /dev/net/tun, of which this is the condition, and what to do about it; nil: nothing is
    /// in the way.
    var tapFault: (cause: String, remedy: Remedy)? {
        switch self {
        case .usable: nil
        case .refused(let errno):
            (
                "/dev/net/tun does not open: \(errno.description): no VM can have a tap",
                "allow it: root is refused by whatever this host itself runs in"
            )
        case .another:
            (
                "/dev/net/tun is not the device that belongs there: no VM can have a tap",
                "find out what put it there, and put the device, number 10:200, in its place"
            )
        case .missing(.running):
            (
                "/dev/net/tun is missing, though its driver is there: no VM can have a tap",
                .run("make it", Self.making)
            )
        case .missing(.loadable):
            ("/dev/net/tun is missing: no VM can have a tap", .run("load its driver", "modprobe tun"))
        case .missing(.none):
            (
                "/dev/net/tun is missing, and its driver is not to be seen: no VM can have a tap",
                """
                the driver is loaded by \(command: "modprobe tun"), in a container on its host; where the file is still \
                missing then, make it: \(command: Self.making)
                """
            )
        }
    }
}
