import CLinux
import Glibc
import SystemPackage

/// What a QEMU binary can do, found by asking it once: the answer is kept under the binary's device, inode and
/// modification time, so that an upgrade asks again.
struct QEMUProbe {
    let cache: ProbeCache
    let credentials: Credentials
    let trust: FileTrust
    /// Whether nothing must be executed that only a params file names: it is looked at, and not used yet.
    var isLooking = false

    /// The facts of the binary that a file's `QEMU` names, or of the host's own.
    ///
    /// - Parameter anew: whether it is asked even where its answer is known: that shows whether it still runs.
    /// - Throws: `.unavailable` where there is none, `.denied` where somebody else could change it.
    func facts(for params: VMParams? = nil, anew: Bool = false) throws(VMError) -> QEMUFacts {
        let program = try QEMUProgram(params, trust)
        let file = program.status
        let key = "qemu-\(file.st_dev)-\(file.st_ino)-\(file.st_mtim.tv_sec).\(file.st_mtim.tv_nsec).json"
        if !anew, let bytes = cache.read(key), let facts = (try? JSON(parsing: bytes)).flatMap(QEMUFacts.init),
            facts.path == program.path.string
        {
            return facts
        }
        if isLooking, params?.qemu != nil, try !program.isHostsOwn(trust) {
            return QEMUFacts(unasked: program.path.string)
        }
        let facts = try ask(program.path)
        // What an account's own program says of itself is not root's to keep.
        if case .owner = trust.rule { return facts }
        cache.write(key, Array(facts.json.text.utf8))
        return facts
    }

    /// Starts the binary with no machine at all, and asks it over QMP.
    private func ask(_ path: FilePath) throws(VMError) -> QEMUFacts {
        var pair: [CInt] = [0, 0]
        guard socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &pair) == 0 else {
            throw .system(Errno(rawValue: errno), path.string, "can't be asked what it can do")
        }
        let ours = OwnedDescriptor(FileDescriptor(rawValue: pair[0]))
        let theirs = OwnedDescriptor(FileDescriptor(rawValue: pair[1]))
        _ = fcntl(ours.rawValue, F_SETFL, O_NONBLOCK)
        let child = try start(path, talkingOver: theirs)
        defer {
            child.kill()
            child.reap(by: Deadline(in: .seconds(5)))
        }
        do throws(QMPClient.Failure) {
            return try converse(ours, path)
        } catch {
            throw VMError(
                error == .silent ? .timedOut : .unavailable, path.string,
                "can't be asked what it can do: \(error.cause)",
                remedy: "see what it prints with -machine none -nodefaults -display none -S, as a user without rights")
        }
    }

    private func start(_ path: FilePath, talkingOver socket: consuming OwnedDescriptor) throws(VMError) -> Child {
        var launch = Launch(
            path: path.string,
            arguments: [
                "-machine", "none", "-nodefaults", "-no-user-config", "-display", "none", "-S", "-chardev",
                "socket,id=qmp,fd=3", "-mon", "chardev=qmp,mode=control",
            ], credentials: credentials.forProbing)
        launch.diesWithParent = true
        let null: OwnedDescriptor
        do throws(Errno) { null = try .open("/dev/null", .readWrite) } catch {
            throw .system(error, "/dev/null", "can't be opened")
        }
        for target: CInt in 0...2 { launch.pass(null.descriptor, as: target) }
        launch.pass(socket.descriptor, as: 3)
        do throws(Launch.Failure) { return try launch.spawn(by: Deadline(in: .seconds(30))) } catch {
            throw .system(error.errno, path.string, "can't \(error.stage)")
        }
    }

    private func converse(_ socket: consuming OwnedDescriptor, _ path: FilePath) throws(QMPClient.Failure) -> QEMUFacts
    {
        let deadline = Deadline(in: .seconds(30))
        var client = try QMPClient(socket, by: deadline)
        let version = try client.execute(QMPCommand("query-version"), by: deadline)["qemu"]
        let numbers = ["major", "minor", "micro"].map { version?[$0]?.integer ?? 0 }
        var machines: [String: String?] = [:]
        for machine in try client.execute(QMPCommand("query-machines"), by: deadline).array ?? [] {
            guard let name = machine["name"]?.string else { continue }
            machines.updateValue(nil, forKey: name)
            if let alias = machine["alias"]?.string { machines.updateValue(name, forKey: alias) }
        }
        let ioUring = try hasIOUring(&client, by: deadline)
        _ = try? client.execute(QMPCommand("quit"), by: deadline)
        return QEMUFacts(
            path: path.string, version: numbers.map(String.init).joined(separator: "."), ioUring: ioUring,
            machines: machines, keymaps: KeymapProbe(credentials: credentials.forProbing).names(of: path))
    }

    /// A build without io_uring does not know the word; one with it gets as far as finding that /dev/null is no disk.
    private func hasIOUring(_ client: inout QMPClient, by deadline: Deadline) throws(QMPClient.Failure) -> Bool {
        let attempt = QMPCommand(
            "blockdev-add", ["driver": "file", "node-name": "probe", "filename": "/dev/null", "aio": "io_uring"])
        do throws(QMPClient.Failure) {
            _ = try client.execute(attempt, by: deadline)
            return true
        } catch .refused(_, let text) {
            return !text.contains("'aio'") && !text.contains("'io_uring'")
        }
    }
}

extension QEMUFacts {
    /// As the cache keeps them.
    fileprivate var json: JSON {
        [
            "path": .string(path), "version": .string(version), "ioUring": .bool(ioUring),
            "machines": .object(machines.mapValues { $0.map(JSON.string) ?? .null }),
            "keymaps": .array(keymaps.map(JSON.string)),
        ]
    }

    fileprivate init?(_ json: JSON) {
        guard let path = json["path"]?.string, let version = json["version"]?.string,
            let ioUring = json["ioUring"]?.bool, case .object(let machines)? = json["machines"],
            let keymaps = json["keymaps"]?.array
        else { return nil }
        self.init(
            path: path, version: version, ioUring: ioUring, machines: machines.mapValues(\.string),
            keymaps: keymaps.compactMap(\.string))
    }
}
