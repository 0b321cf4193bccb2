import BridgeNet
import SystemPackage

/// The other VMs of the host, for a VM that is about to be planned.
struct Neighbourhood {
    private let params: VMParams
    private let paths: Paths
    private let locator: VMLocator

    init(of params: VMParams, _ paths: Paths) {
        self.params = params
        self.paths = paths
        locator = VMLocator(paths)
    }

    /// Those that run, whatever became of their files.
    ///
    /// - Parameter matters: which of them are of interest; the others are not looked at closely.
    func running(where matters: (Neighbour) -> Bool = { _ in true }) -> [Neighbour] {
        locator.startedNames().compactMap { name in
            guard let manifest = Manifest(reading: RuntimeDirectory(name, in: paths).manifestFile) else { return nil }
            var other = Neighbour(
                name: name, file: FilePath(manifest.file), isRunning: true,
                addresses: manifest.nics.map { .init(network: $0.network, mac: $0.mac) })
            guard matters(other), !isSameFile(other.file, params.file), Observation(name, in: paths).state.isAlive
            else { return nil }
            other.ports = manifest.ports(in: paths)
            other.media = manifest.media.map { named(FilePath($0)) }
            return other
        }
    }

    /// Those that are defined under the roots and don't run.
    func defined(machineID: String) -> [Neighbour] {
        let running = Set(running().map(\.file))
        return locator.definedFiles().compactMap { file in
            guard !running.contains(file), !isSameFile(file, params.file), let other = try? VMFile.glance(at: file)
            else {
                return nil
            }
            let identity = Identity(other, machineID: machineID)
            return Neighbour(
                name: other.name.value, file: file, isRunning: false,
                addresses: other.nics.map {
                    .init(
                        network: $0.network.value.description,
                        mac: ($0.mac?.value ?? identity.mac(nic: $0.index)).description)
                })
        }
    }

    /// An image as this VM calls it, where it is one of this VM's.
    private func named(_ path: FilePath) -> FilePath {
        (params.disks.map(\.path.value) + params.cdroms.map(\.path.value)).first { isSameFile($0, path) } ?? path
    }
}
