import SystemPackage
import VMCore
import VMHost

extension RuntimeDirectory {
    /// Writes down what the guest of a start will see.
    func keep(_ machine: GuestMachine) throws(VMError) {
        do throws(Errno) {
            try replaceFile(machineFile, with: Array(JSON.object(machine.json).text.utf8), permissions: 0o600)
        } catch { throw .system(error, machineFile.string, "can't be written") }
    }

    /// What the guest of the running VM sees.
    ///
    /// - Throws: `.busy` if that is not known.
    func guestMachine() throws(VMError) -> GuestMachine {
        do throws(Errno) {
            let bytes = try readOwnFile(machineFile)
            if let machine = (try? JSON(parsing: bytes)).flatMap({ GuestMachine($0) }) { return machine }
        } catch .noSuchFileOrDirectory {
        } catch { throw .system(error, machineFile.string, "can't be read") }
        throw VMError(
            .busy, name.description, "what it was started with is not known: an earlier kvmctl started it",
            remedy: "stop it, and start it again")
    }
}
