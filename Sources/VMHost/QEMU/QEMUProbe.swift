import CLinux
import Glibc
import SystemPackage
import VMCore

/// A QEMU binary's features, found by asking it once. The answer is cached under the binary's device, inode and
/// modification time, so that it is asked again after an upgrade.
package struct QEMUProbe {
    let cache: ProbeCache
    let credentials: Credentials
    /// Whether it may be executed. A command that only looks does not execute a binary that only a params file names.
    var mayAsk = true

    package init(cache: ProbeCache, credentials: Credentials, mayAsk: Bool = true) {
        self.cache = cache
        self.credentials = credentials
        self.mayAsk = mayAsk
    }

    /// A binary's features.
    ///
    /// - Parameter anew: whether it is asked even if its answer is cached, to see whether it still runs.
    package func facts(of program: QEMUProgram, anew: Bool = false) throws(VMError) -> QEMUFacts {
        let key = "qemu-\(program.key).json"
        if !anew, let bytes = cache.read(key), let facts = (try? JSON(parsing: bytes)).flatMap(QEMUFacts.init),
            facts.path == program.path.string
        {
            return facts
        }
        guard mayAsk else { return QEMUFacts(unasked: program.path.string) }
        let facts = try ask(program.path)
        cache.write(key, Array(facts.json.text.utf8))
        return facts
    }

    /// Starts the binary without a machine, and asks it over QMP.
    private func ask(_ path: FilePath) throws(VMError) -> QEMUFacts {
        let inquiry = QEMUInquiry(path: path, credentials: credentials.forProbing)
        do throws(QEMUInquiry.Failure) {
            return try inquiry.ask(["-machine", "none"]) { (client, deadline) throws(QMPClient.Failure) in
                try converse(&client, by: deadline, path)
            }
        } catch {
            switch error {
            case .notStarted(var error):
                error.condition = .qemu(path)
                throw error
            case .silent(let failure, _, _):
                throw VMError(
                    failure == .silent ? .timedOut : .unavailable, path.string,
                    "can't be asked about its features: \(failure.cause)",
                    remedy:
                        "see what it prints with -machine none -nodefaults -display none -S, as an unprivileged user",
                    condition: .qemu(path))
            }
        }
    }

    private func converse(
        _ client: inout QMPClient, by deadline: Deadline, _ path: FilePath
    ) throws(QMPClient.Failure) -> QEMUFacts {
        let version = try client.execute(.version, by: deadline)
        let machines = try client.execute(.machines, by: deadline)
        let ioUring = try hasIOUring(&client, by: deadline)
        var facts = QEMUFacts(
            path: path.string, version: version, ioUring: ioUring,
            machines: machines, keymaps: KeymapProbe(credentials: credentials.forProbing).names(of: path))
        for device in OptionalDevice.allCases where try !has(device, &client, by: deadline) {
            facts.missingDevices.insert(device)
        }
        return facts
    }

    private func has(
        _ device: OptionalDevice, _ client: inout QMPClient, by deadline: Deadline
    ) throws(QMPClient.Failure) -> Bool {
        do throws(QMPClient.Failure) {
            try client.execute(.properties(ofDevice: device.rawValue), by: deadline)
            return true
        } catch .refused(className: "DeviceNotFound", _) {
            return false
        }
    }

    /// A build without io_uring rejects the option; one with it gets as far as noticing that /dev/null is no disk.
    private func hasIOUring(_ client: inout QMPClient, by deadline: Deadline) throws(QMPClient.Failure) -> Bool {
        let attempt = QMPRequest<Void>(
            "blockdev-add", ["driver": "file", "node-name": "probe", "filename": "/dev/null", "aio": "io_uring"])
        do throws(QMPClient.Failure) {
            _ = try client.execute(attempt, by: deadline)
            return true
        } catch .refused(_, let text) {
            return !QEMUComplaint.noIOUring.isIn(text)
        }
    }
}

extension QEMUFacts {
    /// The form in the cache: short, because each start reads it.
    fileprivate var json: JSON {
        let versioned = machines.filter { $0.value.versionedName == nil }
        return [
            "path": .string(path), "version": .string(version), "ioUring": .bool(ioUring),
            "cpus": .object(versioned.mapValues { .integer(Int64($0.maximumCPUs ?? 0)) }),
            "aliases": .object(machines.compactMapValues { $0.versionedName.map(JSON.string) }),
            "deprecated": .array(versioned.filter(\.value.isDeprecated).keys.sorted().map(JSON.string)),
            "keymaps": .array(keymaps.map(JSON.string)),
            "missingDevices": .array(missingDevices.map(\.rawValue).sorted().map(JSON.string)),
        ]
    }

    fileprivate init?(_ json: JSON) {
        guard let path = json["path"]?.string, let version = json["version"]?.string,
            let ioUring = json["ioUring"]?.bool, case .object(let cpus)? = json["cpus"],
            case .object(let aliases)? = json["aliases"], let deprecated = json["deprecated"]?.array,
            let keymaps = json["keymaps"]?.array, let missing = json["missingDevices"]?.array
        else { return nil }
        var machines = cpus.mapValues { most in
            MachineType(maximumCPUs: most.integer.flatMap { Int(exactly: $0) }.flatMap { $0 > 0 ? $0 : nil })
        }
        for name in deprecated.compactMap(\.string) { machines[name]?.isDeprecated = true }
        for (alias, name) in aliases.compactMapValues(\.string) {
            machines[alias] = machines[name]
            machines[alias]?.versionedName = name
        }
        self.init(
            path: path, version: version, ioUring: ioUring, machines: machines, keymaps: keymaps.compactMap(\.string))
        missingDevices = Set(missing.compactMap(\.string).compactMap { OptionalDevice(rawValue: $0) })
    }
}
