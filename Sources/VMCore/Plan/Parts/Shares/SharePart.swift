import SystemPackage

extension VMParams.Share {
    /// What QEMU calls the device.
    package var deviceID: String { "share\(index)" }
}

extension GuestMachine {
    /// The keys of its shared directories.
    package var shares: [String] {
        devices.filter { $0.hasPrefix("share") }.map { "SHARE\($0.dropFirst("share".count))" }
    }
}

extension LaunchPlanner {
    /// `SHAREn`: a device each, and a connection to the server of that directory.
    mutating func planShares() {
        guard let first = params.shares.first else { return }
        guard facts.isRoot else {
            // virtiofsd makes files for any user of the guest's.
            return refuse(
                .denied, place(first.directory.origin), "only root can share a directory, as virtiofsd has to be root",
                remedy: "start it as root, with sudo, from a file that root trusts")
        }
        requireDevice(
            .sharedDirectory, for: first.directory.origin,
            remedy: "remove the line, or use a QEMU that was built with it")
        plan.shareServer = facts.shareServer
        params.shares.forEach { checkDirectory($0) }
        for (position, share) in params.shares.enumerated() {
            let (directory, id, origin) = (share.directory.value, share.deviceID, share.directory.origin)
            plan.shares.append(directory)
            let socket = inherit(.share(directory))
            let device = Device(
                OptionalDevice.sharedDirectory.rawValue, id: id,
                at: .root(PCILayout.share(position, of: params.shares.count)),
                ["chardev": .text("\(id)-server"), "tag": .text(directory.tag)])
            add(
                [
                    .words(["-chardev", qemuOption("socket", [("id", "\(id)-server"), ("fd", "\(socket)")])]),
                    .component(.device(device)),
                ], purpose: "shared directory \(directory.path)", from: [origin])
        }
    }

    private mutating func checkDirectory(_ share: VMParams.Share) {
        let path = Setting(share.directory.value.path, share.directory.origin)
        switch facts.images[path.value] {
        case .unusable(.directory):
            // Another key may share the same directory for writing.
            if share.directory.value.isReadOnly { return }
            if let control = facts.controlInShares[path.value] {
                return refuse(
                    .denied, place(path.origin),
                    "the guest could write to \(control) through \(path.value), and so decide what root does here",
                    remedy: "share a directory with nothing but what the guest needs, or end the line with :ro")
            }
            guard facts.openShares.contains(path.value) else { return }
            plan.notices.append(
                "\(place(path.origin)): any local account may enter \(path.value), and run as root what the guest's root "
                    + "makes setuid there: keep it below a directory that is only root's, such as one with mode 700, or "
                    + "share it with :ro")
        case .unusable, .image:
            refuse(
                .badData, place(path.origin), "\(path.value) is not a directory", .file(path.value, .wrongKind),
                remedy: "name a directory")
        case .missing, .directoryMissing, .denied, .distrusted, .failed, nil: _ = existing(path)
        }
    }
}
