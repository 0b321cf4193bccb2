import Glibc
import Synchronization
import VMCore
import VMHost
import VMLife
import VMReports

/// A wait in progress. Each has its own thread: a VM whose QEMU does not answer holds up no other.
struct GuestWait {
    private let outcome: Background<Result<WaitOutcome, VMError>>
    /// By which it is told from others.
    fileprivate let number: Int

    init(_ vm: Machine, for wish: Waiting.Wish, by deadline: Deadline, endingIn ended: EndedWaits) {
        let waiting = vm.waiting(for: wish)
        let number = ended.newNumber()
        self.number = number
        outcome = Background {
            let outcome = Result { () throws(VMError) in try waiting.outcome(by: deadline) }
            ended.note(number)
            return outcome
        }
        // Without a thread it is done when its end is asked for.
        if !outcome.hasThread { ended.note(number) }
    }

    /// Waits for its end, and reports that.
    ///
    /// - Parameter member: what the result of another command calls it in a document; nil: it is the result.
    /// - Throws: why it was not met.
    func report(to output: OutputOptions, _ results: VMResults, as member: String? = nil) throws {
        let outcome = try outcome.value.get()
        let report = WaitReport(outcome)
        if let member, !output.format.isForPeople {
            results.add(report, as: member)
        } else {
            output.print(report, among: results)
        }
        // Others may take long.
        fflush(nil)
        if let problem = outcome.problem { throw problem }
    }
}

/// Waits that have ended, so that each is told of when it has, and not after slower ones.
final class EndedWaits: Sendable {
    private struct Numbers {
        var last = 0
        var ended: Set<Int> = []
    }

    private let numbers = Mutex(Numbers())
    /// Posted for each that has ended.
    private nonisolated(unsafe) let news = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    init() { sem_init(news, 0, 0) }

    deinit {
        sem_destroy(news)
        news.deallocate()
    }

    fileprivate func newNumber() -> Int {
        numbers.withLock {
            $0.last += 1
            return $0.last
        }
    }

    fileprivate func note(_ number: Int) {
        numbers.withLock { _ = $0.ended.insert(number) }
        sem_post(news)
    }

    /// Waits until one of these has ended: the index of the first of those that have.
    func next(_ waits: [GuestWait]) -> Int {
        while true {
            let ended = numbers.withLock(\.ended)
            if let index = waits.firstIndex(where: { ended.contains($0.number) }) { return index }
            // One that was told of already ends it too, and so does a signal.
            sem_wait(news)
        }
    }
}
