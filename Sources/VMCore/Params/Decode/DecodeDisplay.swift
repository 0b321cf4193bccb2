import BridgeNet
import SystemPackage

extension ParamsDecoder {
    /// `VNCDISP`, `VNCBIND`, `VNCPASSWORD_FILE`.
    mutating func decodeVNC() -> VMParams.VNC {
        // There is a display by default: a VM that can't be seen is the first thing people ask about.
        let display = setting(.vncDisplay, default: .auto, Self.display)
        if case .number(let number) = display.value { questionPort(number) }
        let bind = setting(.vncBind, default: "127.0.0.1", Self.bind)
        let passwordFile = path(.vncPasswordFile)
        if display.value != .none, !mentions(.vncPasswordFile), assignment(.vncBind) != nil,
            let address = IPAddress(bind.value), !address.isLoopback
        {
            // With `auto`, a password is made at start.
            conflict(
                .vncBind,
                display.value == .auto
                    ? "VNCBIND: VNC's only protection at \(bind.value) is a short password, and its traffic is not encrypted"
                    : "VNCBIND: VNC has no password, so anyone who can reach \(bind.value) controls the VM",
                hint: display.value == .auto
                    ? "Leave it at 127.0.0.1 and use: \(Self.tunnel(to: display.value))"
                    : "Set VNCPASSWORD_FILE, or leave it at 127.0.0.1 and use: \(Self.tunnel(to: display.value))",
                kind: .warning)
        }
        return VMParams.VNC(display: display, bind: bind, passwordFile: passwordFile)
    }

    /// A display number within the range of VNC's ports is most likely meant to be a port.
    private mutating func questionPort(_ display: Int) {
        guard let meant = VNCPort(display), meant.display < 1000, let port = VNCPort(display: display) else { return }
        conflict(
            .vncDisplay, "VNCDISP: display \(display) is TCP port \(port.number)",
            hint: """
                If you mean port \(display), write VNCDISP=\(value: Int(meant.display)): display N is TCP port \
                \(VNCPort.first)+N.
                """,
            kind: .warning)
    }

    private static func tunnel(to display: VNCDisplay) -> String {
        guard case .number(let number) = display, let port = VNCPort(display: number) else {
            return "ssh -L PORT:127.0.0.1:PORT HOST, with the PORT that kvmctl vnc prints"
        }
        return "ssh -L \(port.number):127.0.0.1:\(port.number) HOST"
    }

    static func display(_ text: String) throws(ValueFault) -> VNCDisplay {
        switch text {
        case "auto": return .auto
        case "none": return .none
        default: break
        }
        guard text.utf8.allSatisfy(\.isDigit) else {
            // QEMU's -vnc takes an address before the colon.
            let number = text.split(separator: ":").last.flatMap { Int($0) }
            let isQEMU = text.contains(":") && number != nil
            throw ValueFault(
                "\(Printable.quoted(text)) is not a display",
                hint: """
                    Write a number N (TCP port \(VNCPort.first)+N), \(example: "auto") or \(example: "none"); an address \
                    goes in VNCBIND.
                    """,
                trying: isQEMU ? ["Write \(value: number ?? 0) alone; the address goes in VNCBIND."] : [])
        }
        guard let number = Int(text), VNCPort(display: number) != nil else {
            throw ValueFault(
                "\(Printable.quoted(text)) is out of range",
                hint: """
                    Display N is TCP port \(VNCPort.first)+N, so N is \(example: 0) to \
                    \(example: Int(VNCPort.lastDisplay)); port \(VNCPort.first + 1) is display \(example: 1).
                    """)
        }
        return .number(number)
    }

    private static func bind(_ text: String) throws(ValueFault) -> String {
        let bare = text.hasPrefix("[") && text.hasSuffix("]") ? String(text.dropFirst().dropLast()) : text
        if IPAddress(bare) != nil { return bare }
        throw ValueFault(
            "\(Printable.quoted(text)) is not an IP address",
            hint: """
                Write one of this host's addresses, such as \(example: "127.0.0.1"), \(example: "::1") or \
                \(example: "0.0.0.0"), without a port.
                """)
    }
}
