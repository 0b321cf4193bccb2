import BridgeNet
import SystemPackage
import VMCore
import VMHost

// The VMs of the host, and what they have that no other VM may have.
extension Site {
    /// The running VMs, even if their params files are gone.
    ///
    /// - Parameter matters: which of them are of interest; no details are read of the others.
    /// - Throws: why it can't be told what one of them uses.
    func otherRunningVMs(where matters: (OtherVM) -> Bool = { _ in true }) throws(VMError) -> [OtherVM] {
        var found: [OtherVM] = []
        for (vm, manifest) in try started(where: { matters(OtherVM($1, $0)) }) {
            var other = OtherVM(manifest, vm.name)
            other.filePlace = FilePlace(of: other.file)
            other.ports = try manifest.ports(in: paths)
            // The manifest does not say which of them it writes to.
            other.media = manifest.vm.media.compactMap { FilePlace(of: $0) }.map { .init(place: $0, isWritten: true) }
            found.append(other)
        }
        return found
    }

    /// The VMs that are defined under the roots and don't run, as far as their files can be read.
    ///
    /// - Parameters:
    ///   - running: the VMs that run.
    ///   - unseen: receives an error for each place where there may be more.
    ///   - read: reads a params file.
    func otherDefinedVMs(
        besides running: [OtherVM], machineID: String, noting unseen: inout [VMError],
        reading read: (FilePath) throws(VMError) -> VMParams
    ) -> [OtherVM] {
        let alive = Set(running.compactMap(\.filePlace))
        let defined = definitions()
        unseen += defined.unseen
        return defined.files.compactMap { file in
            let place = FilePlace(of: file)
            guard place.map({ !alive.contains($0) }) ?? true, let params = try? read(file) else { return nil }
            var other = OtherVM(name: params.name.value, file: file, isRunning: false, memory: params.memory.value)
            other.after = params.service.after?.value ?? []
            other.filePlace = place
            other.uuid = params.uuid?.value.description
            let machine = Identity(params, machineID: machineID)
            other.addresses = params.nics.filter { $0.network.value != .user }.map { nic in
                let mac = nic.mac?.value ?? machine.mac(nic: nic.index)
                return .init(network: nic.network.value.description, mac: mac.description)
            }
            other.interfaces = params.nics.compactMap(\.tap?.value)
            other.ports = params.forwards.map(\.value.hostEnd) + [params.vnc.port].compactMap(\.self)
            let disks = params.disks.map { ($0.path.value, !$0.readOnly.value) }
            let discs = params.cdroms.compactMap(\.path.value).map { ($0, false) }
            other.media = (disks + discs).compactMap { path, isWritten in
                FilePlace(of: path).map { .init(place: $0, isWritten: isWritten) }
            }
            return other
        }
    }
}

extension OtherVM {
    /// A VM that was started, with its name and its addresses.
    init(_ manifest: Manifest, _ name: VMName) {
        self.init(
            name: name, file: manifest.file, isRunning: true, uuid: manifest.vm.uuid, memory: manifest.vm.memory,
            addresses: manifest.vm.nics.compactMap { nic in
                nic.mac.map { .init(network: nic.network.description, mac: $0.description) }
            })
    }
}
