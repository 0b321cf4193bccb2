import BridgeKernel
import SystemPackage
import VMCore
import VMHost

extension Machine {
    /// Has the running VM take new values, and notes in its manifest that it has them. To be called within `operate`.
    ///
    /// - Parameters:
    ///   - changes: what it has to be told.
    ///   - file: the file that says them.
    ///   - keys: the keys and their values.
    /// - Throws: why QEMU does not take them; then it has taken none.
    func take(
        _ changes: [LiveChange], of file: VMFile, noting keys: [(key: String, value: String?)]
    ) throws(VMError) {
        guard var manifest = try manifest(), let given = manifest.vm.given else { return }
        let before = VMParams.parse(Array(given.utf8), file: file.params.file).params
        let password = try changes.contains(.screenPassword) ? newPassword(file) : nil
        let disks = changes.compactMap { if case .limits(let disk) = $0 { disk } else { nil } }
        if password != nil || !disks.isEmpty {
            do throws(MonitorSession.Failure) {
                let deadline = Deadline(in: .seconds(5))
                var session = try monitor(by: deadline)
                try session.limit(Set(disks).sorted(), as: file.params, undoing: before, by: deadline)
                // Last, as there is no way back to the old one.
                if let password {
                    try session.execute(.screenPassword(String(decoding: password, as: UTF8.self)), by: deadline)
                }
            } catch { throw error.error(of: name) }
        }
        if let password { try ScreenPassword(directory).keep(password) }
        try manifest.note(keys, in: given)
        try manifest.write(to: directory)
    }

    /// Notes in the manifest of a running VM that it has what was written into its file. To be called within `operate`.
    func noteGiven(_ edits: [ParamsEdit]) throws(VMError) {
        guard try observe(holdingOperation: true).isAlive, try runsFromFile, var manifest = try manifest(),
            let given = manifest.vm.given
        else { return }
        try manifest.note(edits.map { ("\($0.key)", $0.value) }, in: given)
        try manifest.write(to: directory)
    }

    private func newPassword(_ file: VMFile) throws(VMError) -> [UInt8] {
        guard let path = file.params.vnc.passwordFile?.value else { return [] }
        do throws(PathWalk.Failure) {
            let found = try file.trust.find(path)
            do throws(Errno) {
                let opened = try found.openRegular()
                return VNCPassword.trimmed(try readAll(opened.descriptor, limit: 64))
            } catch { throw .system(error, path) }
        } catch {
            switch error {
            case .system(let errno, _): throw .system(errno, path.string, "can't be read")
            case .distrusted(let distrust): throw distrust.refusal(toUse: path, at: file.params.file.string)
            }
        }
    }
}

extension Manifest {
    fileprivate mutating func note(_ keys: [(key: String, value: String?)], in given: String) throws(VMError) {
        let text = try ParamsEdit.setting(keys, in: given)
        vm.given = text
        guard let now = VMParams.parse(Array(text.utf8), file: file).params.map({ VMDescription($0) }) else { return }
        (vm.note, vm.tags, vm.isProtected) = (now.note, now.tags, now.isProtected)
    }
}

extension MonitorSession {
    /// Changes the limits of some disks: of all, or of none.
    fileprivate mutating func limit(
        _ disks: [Int], as wanted: VMParams, undoing before: VMParams?, by deadline: Deadline
    ) throws(Failure) {
        var done: [Int] = []
        for disk in disks {
            guard let limits = wanted.limits(ofDisk: disk) else { continue }
            do { try execute(.limit(limits), by: deadline) } catch {
                for disk in done {
                    if let limits = before?.limits(ofDisk: disk) { _ = try? execute(.limit(limits), by: deadline) }
                }
                throw error
            }
            done.append(disk)
        }
    }
}
