import BridgeKernel
import CLinux
import Glibc
import SystemPackage
import VMCore

/// A QEMU that is started to answer questions over QMP, and then killed. It runs no guest.
struct QEMUInquiry {
    let path: FilePath
    let credentials: ResolvedCredentials

    /// Why there is no answer.
    package enum Failure: Error {
        /// It can't be started.
        case notStarted(VMError)
        /// It did not answer. How it ended, if it ended by itself, and the lines that it printed.
        case silent(QMPClient.Failure, end: Child.End?, printed: [String])
    }

    /// How long it may take, on a busy host.
    private static let patience = Duration.seconds(30)

    /// - Parameters:
    ///   - arguments: its arguments, beside those that make it wait and listen.
    ///   - converse: asks the questions.
    func ask<Answer>(
        _ arguments: [String], _ converse: (inout QMPClient, Deadline) throws(QMPClient.Failure) -> Answer
    ) throws(Failure) -> Answer {
        var pair: [CInt] = [0, 0]
        guard socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &pair) == 0 else {
            throw .notStarted(.system(Errno(rawValue: errno), path.string, "can't be asked about its features"))
        }
        let ours = OwnedDescriptor(FileDescriptor(rawValue: pair[0]))
        let theirs = OwnedDescriptor(FileDescriptor(rawValue: pair[1]))
        _ = fcntl(ours.rawValue, F_SETFL, O_NONBLOCK)
        let messages: OwnedDescriptor
        do throws(Errno) { messages = try OwnedDescriptor(returned: clinux_memory_file("messages")) } catch {
            throw .notStarted(.system(error, path.string, "can't be asked about its features"))
        }
        let child: Child
        do throws(VMError) { child = try start(arguments, talkingOver: theirs, printingTo: messages) } catch {
            throw .notStarted(error)
        }
        do throws(QMPClient.Failure) {
            let deadline = Deadline(in: Self.patience)
            var client = try QMPClient(ours, by: deadline)
            let answer = try converse(&client, deadline)
            Self.end(child)
            return answer
        } catch {
            // QEMU closes its monitor when it exits.
            let end = Self.hasHungUp(error) ? child.reap(by: Deadline(in: .seconds(5))) : nil
            if end == nil { Self.end(child) }
            lseek(messages.rawValue, 0, SEEK_SET)
            let printed = (try? readAll(messages.descriptor, limit: 1 << 16)) ?? []
            throw .silent(error, end: end, printed: Self.lines(printed))
        }
    }

    /// Without the prefix `qemu-system-x86_64: `.
    private static func lines(_ printed: [UInt8]) -> [String] {
        String(decoding: printed, as: UTF8.self).split(separator: "\n").map { line in
            let parts = line.split(separator: ": ", maxSplits: 1)
            return String(parts.count == 2 && !parts[0].contains(" ") ? parts[1] : line)
        }
    }

    /// Whether the connection is gone.
    private static func hasHungUp(_ failure: QMPClient.Failure) -> Bool {
        switch failure {
        case .closed, .system: true
        case .silent, .refused, .malformed: false
        }
    }

    private static func end(_ child: Child) {
        child.kill()
        child.reap(by: Deadline(in: .seconds(5)))
    }

    private func start(
        _ arguments: [String], talkingOver socket: consuming OwnedDescriptor,
        printingTo messages: borrowing OwnedDescriptor
    ) throws(VMError) -> Child {
        var launch = Launch(
            path: path.string,
            arguments: arguments + [
                "-nodefaults", "-no-user-config", "-display", "none", "-S", "-chardev", "socket,id=qmp,fd=3", "-mon",
                "chardev=qmp,mode=control",
            ], credentials: credentials)
        launch.diesWithParent = true
        let null: OwnedDescriptor
        do throws(Errno) { null = try .open("/dev/null", .readWrite) } catch {
            throw .system(error, "/dev/null", "can't be opened")
        }
        launch.pass(null.descriptor, as: 0)
        launch.pass(null.descriptor, as: 1)
        launch.pass(messages.descriptor, as: 2)
        launch.pass(socket.descriptor, as: 3)
        do throws(Launch.Failure) { return try launch.spawn(by: Deadline(in: Self.patience)) } catch {
            throw error.error(of: path.string)
        }
    }
}
