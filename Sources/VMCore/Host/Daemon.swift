import Glibc
import SystemPackage

/// A program that put itself into the background, and wrote its pid down. A pid comes again and the file may be stale:
/// the process is the one that was started with the option `--pid-file=` and this very path.
struct Daemon: Equatable {
    let pidFile: FilePath

    /// The option that it is started with.
    var option: String { "--pid-file=\(pidFile)" }

    /// Its process, while it runs.
    func process() -> ProcessHandle? {
        guard let bytes = try? readFile(pidFile, limit: 32),
            let pid = Int32(String(decoding: bytes, as: UTF8.self).filter(\.isNumber)), pid > 0
        else { return nil }
        return ProcessHandle(pid: pid) {
            let words = (try? readFile(FilePath("/proc/\(pid)/cmdline"), limit: 1 << 16)) ?? []
            return words.split(separator: 0).contains { $0.elementsEqual(option.utf8) }
        }
    }

    /// Whether it runs.
    var isRunning: Bool { process() != nil }

    /// Tells it to read its files again.
    func reload() { process()?.signal(SIGHUP) }

    /// Ends it.
    ///
    /// - Throws: `.timedOut` if it hangs in the kernel.
    func end() throws(VMError) {
        if let process = process() {
            process.signal(SIGTERM)
            if !process.waitForEnd(by: Deadline(in: .seconds(2))) { process.signal(SIGKILL) }
            guard process.waitForEnd(by: Deadline(in: .seconds(5))) else {
                throw VMError(.timedOut, pidFile.string, "the process whose pid is there was killed and has not ended")
            }
        }
        removeFile(pidFile)
    }
}
