import Glibc
import SystemPackage
import VMCore

/// A program that went into the background and wrote a pid file. Pids are reused and the file may be stale, so its
/// process is recognised by the option that it was started with, `--pid-file=` and this very path.
package struct Daemon: Equatable {
    package let pidFile: FilePath

    /// The option that it is started with.
    var option: String { "--pid-file=\(pidFile)" }

    /// Its process, while it runs.
    ///
    /// - Throws: if it can't be examined, which does not mean that it is not running.
    func process() throws(VMError) -> ProcessHandle? {
        do throws(Errno) {
            let text = String(decoding: try readFile(pidFile, limit: 32), as: UTF8.self)
            guard let pid = Int32(text.filter(\.isNumber)), pid > 0 else { return nil }
            return try ProcessHandle.hold(pid) { () throws(Errno) in try hasOption(pid) }
        } catch .noSuchFileOrDirectory {
            return nil  // no pid file, or the process has just ended
        } catch .noSuchProcess {
            return nil
        } catch {
            throw .system(error, pidFile.string, "the process that it names can't be examined")
        }
    }

    private func hasOption(_ pid: Int32) throws(Errno) -> Bool {
        let words = try readFile(FilePath("/proc/\(pid)/cmdline"), limit: 1 << 16)
        return words.split(separator: 0).contains { $0.elementsEqual(option.utf8) }
    }

    /// Whether it runs.
    package func isRunning() throws(VMError) -> Bool { try process() != nil }

    /// Tells it to read its files again.
    func reload() throws(VMError) { try process()?.signal(SIGHUP) }

    /// Ends it.
    ///
    /// - Throws: `.timedOut` if it hangs in the kernel.
    func end() throws(VMError) {
        if let process = try process() {
            process.signal(SIGTERM)
            if !process.waitForEnd(by: Deadline(in: .seconds(2))) { process.signal(SIGKILL) }
            guard process.waitForEnd(by: Deadline(in: .seconds(5))) else {
                throw VMError(.timedOut, pidFile.string, "the process that it names was killed but has not ended")
            }
        }
        removeFile(pidFile)
    }
}
