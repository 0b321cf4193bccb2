extension VideoModel {
    /// QEMU's name for the card: each is a VGA, which firmware and boot loaders draw on.
    package var device: String {
        switch self {
        case .std: "VGA"
        case .virtio: OptionalDevice.virtioVGA.rawValue
        case .qxl: OptionalDevice.qxlVGA.rawValue
        }
    }
}

/// What the sound card is made of. It plays into a back end that drops everything, and VNC viewers that want sound get a
/// copy: so QEMU opens no device of the host's, and needs no right that its sandbox takes away.
enum GuestSound {
    /// What QEMU calls the back end.
    static let backend = "audio0"
}

extension LaunchPlanner {
    /// `VIDEO`.
    mutating func planVideo() {
        let model = params.video
        if let device = OptionalDevice(rawValue: model.value.device) {
            requireDevice(
                device, for: model.origin,
                remedy:
                    "write VIDEO=std, or install QEMU's display modules, which some distributions package separately")
        }
        add(
            .device(Device(model.value.device, id: "vga", at: .root(PCILayout.vga))), purpose: "VGA",
            from: model.value == .std ? .everyVM : model.origin)
    }

    /// `SOUND`.
    mutating func planSound() {
        guard params.sound.value else { return }
        let origin = params.sound.origin
        let parts: [OptionalDevice] = [.soundController, .soundCodec]
        for part in parts {
            requireDevice(part, for: origin, remedy: "remove the line, or use a QEMU that was built with it")
        }
        let controller = Device(parts[0].rawValue, id: "sound", at: .root(PCILayout.sound))
        let codec = Device(
            parts[1].rawValue, id: nil, at: .bus("sound.0"), ["audiodev": .text(GuestSound.backend)])
        add(
            [
                .words(["-audiodev", "none,id=\(GuestSound.backend)"]), .component(.device(controller)),
                .component(.device(codec)),
            ], purpose: "sound card", from: [origin])
        if params.vnc.display.value == .none {
            plan.notices.append("\(place(origin)): nobody can hear it, as VNCDISP is none")
        }
    }

    /// Refuses a kind of device that this QEMU does not have.
    mutating func requireDevice(_ device: OptionalDevice, for origin: Origin, remedy: Remedy) {
        guard facts.qemu.missingDevices.contains(device) else { return }
        refuse(
            .unavailable, place(origin), "QEMU \(facts.qemu.version) has no device \(device.rawValue)",
            .noQEMUDevice(device), remedy: remedy)
    }
}
