import BridgeNet
import SystemPackage
import VMCore
import VMHost

/// The description of a VM as it was started, written into its run-time directory before it runs, so that other
/// commands can describe it without asking QEMU. Trusted only while the VM's lock is held. Another user may have
/// written it, so it is parsed into types that can't hold impossible values.
struct Manifest: Equatable {
    /// The VM.
    var vm: VMDescription
    /// Whether kvmctl became QEMU, which then completes its start by itself.
    var foreground: Bool

    var name: VMName { vm.name }
    var file: FilePath { vm.file }

    init(_ plan: LaunchPlan, foreground: Bool) {
        self.foreground = foreground
        vm = plan.vm
    }

    /// Of a QEMU that kvmctl did not start.
    init(adopted vm: VMDescription) { (self.vm, foreground) = (vm, false) }

    /// The manifest of a VM; nil if there is none, or it is not valid.
    ///
    /// - Throws: why it can't be read: then it is not known which VM's it is.
    static func read(_ directory: RuntimeDirectory) throws(VMError) -> Manifest? {
        do throws(Errno) {
            return Manifest(try text(in: directory))
        } catch .noSuchFileOrDirectory {
            return nil
        } catch {
            throw .system(error, directory.manifestFile.string, "can't be read")
        }
    }

    /// What is in the file.
    static func text(in directory: RuntimeDirectory) throws(Errno) -> [UInt8] {
        try readOwnFile(directory.manifestFile)
    }

    /// Parses a manifest if it is that of a VM that was started from the file at exactly this path. Most are not, and are
    /// not parsed.
    init?(_ text: [UInt8], of file: FilePath) {
        guard text.mention(JSON.string(file.string).text), let manifest = Manifest(text), manifest.file == file
        else { return nil }
        self = manifest
    }

    /// Whether the VM was started from this params file.
    func isOf(_ file: FilePath) throws(VMError) -> Bool {
        do throws(Errno) { return try isSameFile(self.file, file) } catch {
            throw .system(
                error, file.string, "can't tell whether it is \(self.file), which \(name) was started from")
        }
    }

    /// Parses what `write` wrote; nil if it is not valid.
    init?(_ bytes: [UInt8]) {
        guard let json = try? JSON(parsing: bytes) else { return nil }
        self.init(json)
    }

    /// The VNC server. A QEMU in the foreground chooses its display after kvmctl is gone: then the flight record has
    /// it.
    ///
    /// - Throws: why the record can't be read.
    func display(in place: Paths) throws(VMError) -> VMDescription.VNC? {
        guard var vnc = vm.vnc, vnc.port == nil, foreground else { return vm.vnc }
        if let server = try FlightRecord.vncServer(in: place.record(name)) {
            (vnc.address, vnc.port) = (server.address, server.port)
        }
        return vnc
    }

    /// The host ports that it listens on.
    func ports(in place: Paths) throws(VMError) -> [HostPort] {
        let vnc = try display(in: place)
        let port = vnc?.port.flatMap { port in vnc.map { HostPort(.tcp, $0.address, port.number) } }
        return vm.forwards.map(\.hostEnd) + [port].compactMap(\.self)
    }

    func write(to directory: RuntimeDirectory) throws(VMError) {
        do throws(Errno) {
            try replaceFile(
                directory.manifestFile, with: Array(text.utf8), permissions: 0o640,
                group: Accounts.lookers)
        } catch {
            throw .system(error, name.description, "\(directory.manifestFile) can't be written")
        }
    }
}

extension Manifest {
    /// The content of the file.
    var text: String { json.prettyText + "\n" }

    private var json: JSON { .object(vm.json.merging(["foreground": .bool(foreground)]) { own, _ in own }) }

    private init?(_ json: JSON) {
        guard let vm = VMDescription(json), let foreground = json["foreground"]?.bool else { return nil }
        (self.vm, self.foreground) = (vm, foreground)
    }
}
