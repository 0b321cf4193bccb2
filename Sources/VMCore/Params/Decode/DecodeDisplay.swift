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
        guard (5900...6899).contains(display) else { return }
        conflict(
            .vncDisplay, "VNCDISP: display \(display) is TCP port \(5900 + display)",
            hint: "If you mean port \(display), write VNCDISP=\(value: display - 5900): display N is TCP port 5900+N.",
            kind: .warning)
    }

    private static func tunnel(to display: VNCDisplay) -> String {
        guard case .number(let number) = display else {
            return "ssh -L PORT:127.0.0.1:PORT HOST, with the PORT that kvmctl vnc prints"
        }
        return "ssh -L \(5900 + number):127.0.0.1:\(5900 + number) HOST"
    }

    static func display(_ text: String) throws(ValueFault) -> VNCDisplay {
        switch text {
        case "auto": return .auto
        case "none": return .none
        default: break
        }
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            // QEMU's -vnc takes an address before the colon.
            let number = text.split(separator: ":").last.flatMap { Int($0) }
            let isQEMU = text.contains(":") && number != nil
            throw ValueFault(
                "\(Printable.quoted(text)) is not a display",
                hint:
                    "Write a number N (TCP port 5900+N), \(example: "auto") or \(example: "none"); an address goes in VNCBIND.",
                trying: isQEMU ? ["Write \(value: number ?? 0) alone; the address goes in VNCBIND."] : [])
        }
        guard let number = Int(text), number <= 65535 - 5900 else {
            throw ValueFault(
                "\(Printable.quoted(text)) is out of range",
                hint:
                    "Display N is TCP port 5900+N, so N is \(example: 0) to \(example: 59635); port 5901 is display \(example: 1)."
            )
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
