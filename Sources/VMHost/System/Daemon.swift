import Glibc
import SystemPackage
import VMCore

/// A program that put itself into the background, and wrote its pid down. A pid comes again and the file may be stale:
/// the process is the one that was started with the option `--pid-file=` and this very path.
package struct Daemon: Equatable {
    package let pidFile: FilePath

    /// The option that it is started with.
    var option: String { "--pid-file=\(pidFile)" }

    /// Its process, while it runs.
    ///
    /// - Throws: where it can't be looked at, which says nothing of whether it runs.
    func process() throws(VMError) -> ProcessHandle? {
        do throws(Errno) {
            let text = String(decoding: try readFile(pidFile, limit: 32), as: UTF8.self)
            guard let pid = Int32(text.filter(\.isNumber)), pid > 0 else { return nil }
            return try ProcessHandle.hold(pid) { () throws(Errno) in try hasOption(pid) }
        } catch .noSuchFileOrDirectory {
            return nil  // no such file; or the process has ended as it was looked at
        } catch .noSuchProcess {
            return nil
        } catch {
            throw .system(error, pidFile.string, "the process whose pid is there can't be looked at")
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
                throw VMError(.timedOut, pidFile.string, "the process whose pid is there was killed and has not ended")
            }
        }
        removeFile(pidFile)
    }
}
