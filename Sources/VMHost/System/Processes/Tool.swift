import BridgeKernel
import CLinux
import Glibc
import SystemPackage
import VMCore

/// A program on the host that does one thing for root and ends, such as nft, or goes into the background by itself.
package struct Tool {
    let name: String
    /// The Debian package that contains it.
    let package: String
    /// Where it is, for one that is not meant for PATH.
    let ownPlaces: [String]
    /// The most memory, in bytes, and processor time, in seconds, that it may take, and that it ends with kvmctl: for one that
    /// reads what anybody may have made. nil: no limits.
    var bounds: (memory: UInt64, time: UInt64)?

    package init(name: String, package: String, in ownPlaces: [String] = []) {
        self.name = name
        self.package = package
        self.ownPlaces = ownPlaces
    }

    package static let systemctl = Tool(name: "systemctl", package: "systemd")
    package static let nft = Tool(name: "nft", package: "nftables")
    package static let dnsmasq = Tool(name: "dnsmasq", package: "dnsmasq-base")
    /// A check takes 2 bytes of memory a cluster, so 4 GiB are enough for 100 TiB in clusters of 64 KiB, while a header of
    /// little more than nothing can make it ask for any amount.
    package static let qemuImg = {
        var tool = Tool(name: "qemu-img", package: "qemu-utils")
        tool.bounds = (4 << 30, 600)
        return tool
    }()
    /// The newer one first (see ShareServer).
    package static let virtiofsd = Tool(
        name: "virtiofsd", package: "virtiofsd", in: ["/usr/libexec", "/usr/lib", "/usr/lib/qemu"])

    /// The directories of root's tools, some of which are often missing from a user's PATH.
    private static let usualPlaces = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"]
    /// How long a tool may take.
    static let patience = Duration.seconds(20)

    /// The program's path; nil if the host does not have it. Root searches only PATH, if it is set, and accepts only
    /// programs that nobody else can change.
    package var path: FilePath? {
        var places = getenv("PATH").map { String(cString: $0).split(separator: ":").map(String.init) } ?? []
        if places.isEmpty || geteuid() != 0 { places += Self.usualPlaces }
        return (ownPlaces + places).filter { $0.hasPrefix("/") }.map { FilePath($0).appending(name) }.first { place in
            place.withPlatformString { access($0, X_OK) } == 0 && (geteuid() != 0 || Self.isTrusted(place))
        }
    }

    private static func isTrusted(_ place: FilePath) -> Bool {
        do throws(PathWalk.Failure) {
            _ = try FileTrust.root.findProgram(place)
            return true
        } catch { return false }
    }

    /// The error when the host does not have it.
    ///
    /// - Parameter subject: the thing that needs it.
    package func missing(for subject: String) -> VMError {
        VMError(
            .unavailable, subject, "needs \(name), which this host does not have",
            remedy: .run("install it", "apt-get install \(package)"))
    }

    /// Runs it to its end, or until it is in the background.
    ///
    /// - Parameters:
    ///   - subject: the purpose of the run, for errors.
    ///   - deadline: when it has to be done. After that it is not started.
    /// - Returns: its output, up to 16 MiB.
    /// - Throws: `.unavailable` if there is no such program, or if it fails, with its output as details.
    @discardableResult
    package func run(
        _ arguments: [String], input: String = "", for subject: String, by deadline: Deadline = Deadline(in: patience)
    ) throws(VMError) -> [UInt8] {
        let run = try finish(arguments, input: input, for: subject, by: deadline)
        if let failure = run.failure { throw failure }
        return run.output
    }

    /// The same, on a file that is its standard input: it opens `/proc/self/fd/0`, whatever became of the file's name.
    package func run(
        _ arguments: [String], on file: FileDescriptor, for subject: String,
        by deadline: Deadline = Deadline(in: patience)
    ) throws(VMError) {
        if let failure = try finish(arguments, on: file, for: subject, by: deadline).failure { throw failure }
    }

    /// A run that came to its end.
    struct Run {
        var end: Child.End
        /// What it printed, up to 16 MiB.
        var output: [UInt8]
        /// The error, with the output as details, if it failed.
        var failure: VMError?
    }

    /// The same, for a caller who tells one failure from another.
    ///
    /// - Throws: `.unavailable` if there is no such program, or if it can't be run to its end.
    func finish(
        _ arguments: [String], input: String = "", for subject: String, by deadline: Deadline = Deadline(in: patience)
    ) throws(VMError) -> Run {
        let words = try Self.memory("input", for: subject)
        do throws(Errno) {
            try writeAll(Array(input.utf8), to: words.descriptor)
            lseek(words.rawValue, 0, SEEK_SET)
        } catch {
            throw .system(error, subject, "can't write the memory file for a program's input")
        }
        defer { extendLifetime(words) }
        return try finish(arguments, on: words.descriptor, for: subject, by: deadline)
    }

    /// The same, on a file that is its standard input.
    func finish(
        _ arguments: [String], on input: FileDescriptor, for subject: String, by deadline: Deadline
    ) throws(VMError) -> Run {
        guard let path else { throw missing(for: subject) }
        guard !deadline.hasPassed else {
            throw VMError(.timedOut, subject, "\(path) was not run: earlier programs used up the time")
        }
        let printed = try Self.memory("output", for: subject)
        var launch = Launch(path: path.string, arguments: arguments, credentials: ResolvedCredentials())
        launch.keepsPrivileges = true
        if let bounds { (launch.bounds, launch.diesWithParent) = (bounds, true) }
        launch.pass(input, as: STDIN_FILENO)
        for output in [STDOUT_FILENO, STDERR_FILENO] { launch.pass(printed.descriptor, as: output) }
        let child: Child
        do throws(Launch.Failure) { child = try launch.spawn(by: deadline) } catch {
            throw .system(error.errno, subject, "can't run \(path)")
        }
        guard let end = child.reap(by: deadline) else {
            child.kill()
            child.reap(by: Deadline(in: .seconds(5)))
            throw VMError(.timedOut, subject, "\(path) did not end in time and was killed")
        }
        lseek(printed.rawValue, 0, SEEK_SET)
        let text: [UInt8]
        do throws(Errno) { text = try readAll(printed.descriptor, limit: 1 << 24) } catch {
            throw .system(error, subject, "can't read the output of \(path)")
        }
        guard end != .exited(0) else { return Run(end: end, output: text) }
        let lines = String(decoding: text.prefix(4096), as: UTF8.self).split(separator: "\n").map {
            Printable.foreign(String($0))
        }
        return Run(end: end, output: text, failure: VMError(.unavailable, subject, "\(path) failed", details: lines))
    }

    private static func memory(_ name: String, for subject: String) throws(VMError) -> OwnedDescriptor {
        do throws(Errno) { return try OwnedDescriptor(returned: clinux_memory_file(name)) } catch {
            throw .system(error, subject, "can't make a memory file for a program's \(name)")
        }
    }
}
