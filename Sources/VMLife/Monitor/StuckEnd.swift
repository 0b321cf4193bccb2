import Glibc
import SystemPackage
import VMCore
import VMHost

extension RuntimeDirectory {
    /// How often a QEMU that is stuck at its end is signalled, and how long it has to exit each time.
    private static let wakings = (count: 3, pause: Duration.milliseconds(20))

    /// Lets a QEMU end that has recorded its end and does not answer.
    ///
    /// A QEMU that shuts down waits for a command that is under way (monitor_cleanup() in monitor/monitor.c). Since 7.2.9
    /// and 8.2.1 what executes the command is not run in that wait, so that it lasts for ever if a client asks something
    /// just when the guest ends, as every look at a VM may. The images are flushed and closed by then. Any event that QEMU
    /// handles lets it take the next step; SIGTERM is one, and asks for no more than what QEMU is about to do.
    ///
    /// - Returns: whether it was such a QEMU: it has ended, or is about to.
    func letEnd() -> Bool {
        do throws(VMError) {
            guard case .ended? = try FlightRecord.read(record)?.phase, let holder else { return false }
            do throws(Errno) {
                guard let process = try ProcessHandle.hold(holder) else { return false }
                for _ in 0..<Self.wakings.count {
                    process.signal(SIGTERM)
                    if process.waitForEnd(by: Deadline(in: Self.wakings.pause)) { break }
                }
                return true
            } catch { return false }
        } catch {
            // What it was doing is not known: it just does not answer.
            return false
        }
    }
}
