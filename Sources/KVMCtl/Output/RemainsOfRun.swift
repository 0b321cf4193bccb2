import VMCore
import VMLife

/// VMs that runs left and that have ended: only their logs and what they were like can be looked at.
enum RemainsOfRun {
    /// The VM that a word names in a command that looks.
    static func find(_ word: String) throws(VMError) -> Machine {
        let site = try Site.current
        do throws(VMError) { return try site.find(word) } catch {
            guard error.code == .notFound, let vm = try site.leftByRun(word) else { throw error }
            Message.note(vm.remainsOfRun)
            return vm
        }
    }

    /// The same where a word leads to no VM; nil: no run left one of that name, or that can't be told.
    static func substitute(_ word: String) -> Machine? {
        do throws(VMError) {
            guard let vm = try Site.current.leftByRun(word) else { return nil }
            Message.note(vm.remainsOfRun)
            return vm
        } catch {
            Message.error(error)
            return nil
        }
    }
}
