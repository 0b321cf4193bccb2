import ArgumentParser
import CLinux
import Glibc
import SystemPackage
import VMCore
import VMHost
import VMReports

/// The end of the process, and its exit code.
enum ExitStatus {
    /// Runs a command, reports any failure, and ends the process.
    static func leave(after command: () throws -> Void) -> Never {
        do {
            try command()
            end(0)
        } catch let error as VMError {
            Message.error(error)
            end(error.code.exitCode)
        } catch let failure as SomeFailed {
            end(failure.code.exitCode)
        } catch let guest as GuestExit {
            end(guest.code)
        } catch let error where Root.exitCode(for: error).isSuccess {
            // Help or the version: a result like any other.
            leave { Swift.print(Root.fullMessage(for: error)) }
        } catch {
            // ArgumentParser's message about the command line, with EX_USAGE. It repeats what it did not understand.
            let text = String(Root.fullMessage(for: error).trimmingPrefix("Error: "))
            Message.usage(UnknownOption.completed(text, usage: usage(else: text)))
            exit(Root.exitCode(for: error).rawValue)
        }
    }

    /// The options of the command that was named. ArgumentParser's message leaves them out if they are many.
    private static func usage(else text: String) -> String {
        let word = CommandLine.arguments.dropFirst().first
        let named = Root.configuration.subcommands.first { $0.configuration.commandName == word }
        guard let named, named.configuration.subcommands.isEmpty else { return text }
        return Root.helpMessage(for: named)
    }

    /// Ends the process with this code, unless that is success and the output was lost.
    private static func end(_ status: Int32) -> Never {
        Message.noteTheOthers()
        // As a shell has it of a command that the signal has ended.
        let status = status == 0 ? 0 : Interruption.signal.map { 128 + $0 } ?? status
        do throws(VMError) { try flush() } catch {
            Message.error(error)
            exit(status == 0 ? error.code.exitCode : status)
        }
        exit(status)
    }

    /// A reader that is gone, as `head` is, has had what it wanted.
    private static func flush() throws(VMError) {
        let result = clinux_flush_stdout()
        guard result < 0, result != -EPIPE else { return }
        throw .lostOutput(Errno(rawValue: -result))
    }
}

/// Several VMs were asked for, and each failure has already been reported.
struct SomeFailed: Error {
    let code: VMError.Code

    init(_ code: VMError.Code) { self.code = code }

    /// The code for several errors: the one that they share, or `partial`; nil if there are none.
    init?(_ errors: [VMError]) {
        guard let first = errors.first else { return nil }
        self.init(errors.allSatisfy { $0.code == first.code } ? first.code : .partial)
    }
}
