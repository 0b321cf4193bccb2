extension LaunchPlanner {
    /// The VGA device, which is always there (GRUB hangs without one), and the VNC server that shows it.
    mutating func planDisplay() {
        add("-display", "none", purpose: "no window on the host", from: .derived("kvmctl"))
        add(
            "-device", qemuOption("VGA", [("id", "vga")] + PCILayout.vga.properties), purpose: "VGA",
            from: .derived("kvmctl"))
        if let keymap = params.keymap {
            add("-k", keymap.value, purpose: "VNC keyboard map", from: keymap.origin)
        }
        let bind = params.vnc.bind.value.contains(":") ? "[\(params.vnc.bind.value)]" : params.vnc.bind.value
        switch params.vnc.display.value {
        case .none: return
        case .number(let display):
            if facts.takenPorts.contains(5900 + display) {
                refuse(
                    .busy, place(params.vnc.display.origin), "TCP port \(5900 + display) on \(bind) is in use",
                    remedy:
                        "`ss -ltnp sport = :\(5900 + display)` says by what; choose another VNCDISP, or VNCDISP=auto")
            }
            planVNC("\(bind):\(display)", upTo: nil)
        case .auto:
            // QEMU itself takes the first free one, so that no other process can slip in between.
            planVNC("\(bind):0", upTo: 999)
        }
    }

    private mutating func planVNC(_ address: String, upTo last: Int?) {
        var secret: String?
        if let file = params.vnc.passwordFile {
            let number = inherit(.secret(file.value))
            add(
                "-object", qemuOption("secret", [("id", "vncpassword"), ("file", "/proc/self/fd/\(number)")]),
                purpose: "VNC password", from: file.origin)
            secret = "vncpassword"
        }
        add(
            "-vnc", qemuOption(address, [("to", last.map(String.init)), ("password-secret", secret)]), purpose: "VNC",
            from: params.vnc.display.origin, params.vnc.bind.origin)
    }
}
