import SystemPackage

extension LaunchPlanner {
    /// The VGA device, which is always there (GRUB hangs without one), the sound card, and the VNC server that brings both
    /// to a viewer.
    mutating func planDisplay() {
        add("-display", "none", purpose: "no window on the host", from: .everyVM)
        planVideo()
        planSound()
        if let keymap = params.keymap {
            checkKeymap(keymap)
            add("-k", keymap.value, purpose: "VNC keyboard map", from: keymap.origin)
        }
        let bind = params.vnc.bind.value.contains(":") ? "[\(params.vnc.bind.value)]" : params.vnc.bind.value
        switch params.vnc.display.value {
        case .none: return
        case .number(let display):
            if let port = params.vnc.port {
                refuseTaken(port, at: params.vnc.display.origin, remedy: "choose another VNCDISP, or VNCDISP=auto")
                noteOpenDisplay(port)
            }
            planVNC("\(bind):\(display)", upTo: nil)
        case .auto:
            refuseTaken(params.vnc.anyPort, at: params.vnc.bind.origin, remedy: "choose another VNCBIND")
            // QEMU itself takes the first free one, so that no other process can slip in between.
            planVNC("\(bind):0", upTo: 999)
        }
    }

    /// QEMU looks for the map only where it listens.
    private mutating func checkKeymap(_ keymap: Setting<String>) {
        let known = facts.qemu.keymaps
        guard params.vnc.display.value != .none, !known.isEmpty, !known.contains(keymap.value) else { return }
        refuse(
            .unavailable, place(keymap.origin), "QEMU \(facts.qemu.version) has no keyboard map \(keymap.value)",
            remedy: "it has \(known.joined(separator: ", "))")
    }

    /// A file of 2010 means a display that every viewer gets to see: what that is worth is said.
    private mutating func noteOpenDisplay(_ port: HostPort) {
        // That others reach it over the network, the file's own warning says.
        guard !params.vnc.hasPassword, port.includesLoopback, !port.isEverywhere else { return }
        plan.notices.append(
            "\(place(params.vnc.display.origin)): VNC at \(port.address):\(port.number) \(VMParams.VNC.unprotected)")
    }

    private mutating func planVNC(_ address: String, upTo last: Int?) {
        var secret: String?
        if let file = params.vnc.passwordFile {
            checkPassword(file)
            secret = planPassword(.secret(file.value), purpose: "VNC password", from: file.origin)
        } else if params.vnc.hasPassword {
            secret = planPassword(
                .madeSecret, purpose: "VNC password, made for this start", from: params.vnc.display.origin)
        }
        add(
            "-vnc",
            qemuOption(
                address,
                [
                    ("to", last.map(String.init)), ("password-secret", secret),
                    ("audiodev", params.sound.value ? GuestSound.backend : nil),
                ]), purpose: "VNC", from: params.vnc.display.origin, params.vnc.bind.origin)
    }

    /// - Returns: the object's name.
    private mutating func planPassword(_ role: Descriptor.Role, purpose: String, from origin: Origin) -> String {
        add(
            "-object", qemuOption("secret", [("id", "vncpassword"), ("file", inheritedFile(role))]),
            purpose: purpose, from: origin)
        return "vncpassword"
    }

    private mutating func checkPassword(_ file: Setting<FilePath>) {
        guard case .image? = existing(file), let length = facts.passwordLength else { return }
        guard var fault = VNCPassword.fault(ofLength: length, in: file.value) else { return }
        fault.cause = "\(fault.subject): \(fault.cause)"
        fault.subject = place(file.origin)
        problem(fault)
    }

    /// Notes that a port can't be listened on, where that is so.
    mutating func refuseTaken(_ port: HostPort, at origin: Origin, remedy: String) {
        guard let errno = facts.ports[port] else { return }
        let address = port.address.contains(":") ? "[\(port.address)]" : port.address
        guard errno == .addressInUse else {
            problem(
                VMError(
                    failed: errno, place(origin), "can't listen on \(address)",
                    remedy: "\(command: "ip address") lists the addresses that this host has",
                    condition: .address(address)))
            return
        }
        let what = "\(port.transport == .tcp ? "TCP" : "UDP") port \(port.number)"
        let holder = facts.otherVMs.holders(of: port.claim).first { other in
            other.isRunning && other.ports.contains(where: port.overlaps)
        }
        let sockets = port.transport == .tcp ? "-ltnp" : "-lunp"
        refuse(
            .busy, place(origin),
            "\(what)\(address.isEmpty ? "" : " on \(address)") is in use\(holder.map { " by \($0)" } ?? "")",
            .portInUse(port),
            remedy: holder == nil
                ? "\(command: "ss \(sockets) \("sport = :\(port.number)")") says by what; \(remedy)"
                : "\(remedy), or start this VM once that one has been stopped")
    }
}

extension VMParams.VNC {
    /// The port that it listens on, where that is known before it does.
    package var port: HostPort? {
        guard case .number(let display) = display.value, let port = VNCPort(display: display) else { return nil }
        return HostPort(.tcp, bind.value, port.number)
    }

    /// Any port of its address.
    package var anyPort: HostPort { HostPort(.tcp, bind.value, 0) }
}

/// What VNC takes for a password (RFC 6143, 7.2.2: a DES key; what is beyond eight bytes would be silently ignored).
package enum VNCPassword {
    /// The password in a file's content, without the line end that editors leave.
    package static func trimmed(_ content: [UInt8]) -> [UInt8] {
        var bytes = content
        while let last = bytes.last, last == UInt8(ascii: "\n") || last == UInt8(ascii: "\r") { bytes.removeLast() }
        return bytes
    }

    /// What is wrong with a password of that length; nil: nothing.
    package static func fault(ofLength length: Int, in file: FilePath) -> VMError? {
        guard !(1...8).contains(length) else { return nil }
        return VMError(
            .badData, file.string, "a VNC password is 1 to 8 bytes, and this one is \(length)",
            remedy: "write a new one into it, of 1 to 8 letters and digits")
    }
}

extension VMParams.VNC {
    /// Whether a viewer is asked for a password: one from a file; else one that is made at each start, but for a display with
    /// a number, which is what the files of 2010 have.
    package var hasPassword: Bool {
        switch display.value {
        case .none: false
        case .auto: true
        case .number: passwordFile != nil
        }
    }
}

extension VMParams.VNC {
    /// What is said of a VNC server on the host itself that asks for no password.
    package static let unprotected =
        "has no password: any local account, and any other VM's QEMU that was taken over, can use this VM's screen and "
        + "keyboard; VNCDISP=auto makes a password for each start, VNCPASSWORD_FILE names one"
}
