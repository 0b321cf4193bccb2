import BridgeKernel
import SystemPackage
import VMCore
import VMHost

extension Adopting {
    /// The name under which QEMU keeps the lock. What it was sent by `getfd` it keeps when the client is gone (QEMU 7.2,
    /// monitor/qmp.c); what it was sent by `add-fd` it closes then.
    private static let descriptor = "kvmctl-lock"

    /// Checks that the params file can be written. Touches nothing.
    package func check() throws(VMError) { try creating.check() }

    /// Writes the params file, and nothing else.
    package func writeFile() throws(VMError) {
        try creating.check()
        try creating.create()
    }

    /// Writes the params file, and gives the process the lock.
    ///
    /// The process signs last: a command that is killed before leaves at most the file.
    package func adopt() throws(VMError) {
        guard let monitor else { throw obstacle ?? VMError(.bug, "\(vm.name)", "has no monitor and no obstacle") }
        try creating.check()
        try vm.operate { () throws(VMError) in
            guard try !vm.observe(holdingOperation: true).isAlive else {
                throw VMError(
                    .busy, "\(vm.name)", "a VM of this name runs", remedy: "name it otherwise, with --name NAME")
            }
            let lock = try vm.directory.life.begin(lookers: Accounts.lookers)
            try send(lock, to: monitor)
            do throws(VMError) { try creating.create() } catch {
                takeBack(from: monitor)
                throw error
            }
            do throws(VMError) {
                try describe(monitor)
                try vm.directory.life.sign(for: process.identity, lookers: Accounts.lookers)
            } catch {
                takeBack(from: monitor)
                vm.directory.forgetStart()
                var failure = error
                failure.details.append("The file was written: \(vm.file). Remove it to adopt the process again.")
                throw failure
            }
            guard process.identity.life == .running else {
                throw VMError(
                    .unavailable, "pid \(process.identity.pid)",
                    "has ended meanwhile; its file was written: \(vm.file)",
                    remedy: .run("start it from there", "kvmctl start \(vm.file)"))
            }
            vm.note(.adopt, ["pid": .integer(Int64(process.identity.pid))])
        }
    }

    private func send(_ lock: borrowing OwnedDescriptor, to monitor: FilePath) throws(VMError) {
        let descriptor = lock.rawValue
        try process.talk(at: monitor) { client, deadline throws(QMPClient.Failure) in
            try client.execute(.keep(descriptor: Self.descriptor), passing: descriptor, by: deadline)
        }
    }

    private func takeBack(from monitor: FilePath) {
        // If that fails, the lock alone means nothing.
        try? process.talk(at: monitor) { client, deadline throws(QMPClient.Failure) in
            try client.execute(.close(descriptor: Self.descriptor), by: deadline)
        }
    }

    /// What other commands know of it.
    private func describe(_ monitor: FilePath) throws(VMError) {
        let file = try VMFile(text, of: vm.file, creating.context.trust)
        var description = VMDescription(file.params)
        description.accelerator = usesKVM ? "kvm" : "tcg"
        description.given = file.params.given.text
        if let address = machine.protectedScreen {
            description.vnc?.address = address
            description.vnc?.hasPassword = true
        }
        for index in description.nics.indices {
            description.nics[index].tap = machine.taps[description.nics[index].index]
        }
        vm.directory.forgetStart()
        _ = try RunLog.setAside(vm)
        let record = vm.paths.record(vm.name)
        let out = try RunLog.begin(record)
        do throws(Errno) {
            try writeAll(Array(FlightRecord.adopted(at: Moment.now.microseconds).utf8), to: out.descriptor)
        } catch { throw .system(error, record.string, "can't be written") }
        try Manifest(adopted: description).write(to: vm.directory)
        do throws(Errno) { try vm.directory.leadMonitor(to: monitor) } catch {
            throw .system(error, vm.directory.adoptedMonitor.string, "can't be made")
        }
    }
}
