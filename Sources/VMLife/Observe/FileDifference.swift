import SystemPackage
import VMCore
import VMHost

/// In what a VM that runs differs from its file, which counts from its next start.
package struct FileDifference: Sendable {
    /// Whether it runs. If not, nothing differs.
    package var isRunning: Bool
    /// The keys that differ: what it runs with is `before`, what its file says `after`.
    package var keys: [ParamsDifference] = []
    /// Disks and CDs that it has for this run only, such as that of `start --cdrom`.
    package var added: [FilePath] = []
    /// Those that it was started with and that were detached or ejected for this run only.
    package var removed: [FilePath] = []
    /// Network cards of this run only.
    package var addedNICs: [KeyName] = []
    /// Network cards that it was started with and that were detached for this run only.
    package var removedNICs: [KeyName] = []
    /// Whether its seed for cloud-init would be another instance's; nil: that can't be told, as its files can't be read.
    package var isSeedChanged: Bool? = false
    /// Whether kvmctl did not start it: its file may lack some of what it runs with.
    package var isAdopted = false
}

extension Machine {
    /// In what the VM differs from its file.
    ///
    /// - Throws: `.unavailable` if an earlier version of kvmctl started it, so that it is not known with what; why the file
    ///   can't be used; `.denied` if another user runs it.
    package func differenceFromFile() throws(VMError) -> FileDifference {
        try refuseEphemeral()
        let vm = try seenWhereItRuns()
        guard try vm.observe().isAlive, try vm.runsFromFile else { return FileDifference(isRunning: false) }
        guard let running = try vm.manifest()?.vm else {
            throw .withoutRuntimeFiles(name, "what it was started with is not known")
        }
        guard let given = running.given else {
            throw VMError(
                .unavailable, name.description, "an earlier version of kvmctl started it, so it is not known with what",
                remedy: "it will be known from its next start")
        }
        let params: VMParams
        do throws(VMError) { params = try VMFile.glance(at: file) } catch {
            throw error.isAbout(missing: file) ? .fileOfRunning(name, file) : error
        }
        var difference = FileDifference(
            isRunning: true, keys: params.given.differences(from: GivenKeys(in: given), in: file))
        difference.isAdopted = vm.directory.isAdopted
        difference.isSeedChanged = vm.isSeedChanged(from: running, to: params)
        guard let started = VMParams.parse(Array(given.utf8), file: file).params.map({ VMDescription($0) }) else {
            return difference
        }
        func added(_ now: VMDescription, to before: VMDescription) -> (media: [FilePath], nics: [KeyName]) {
            let nics = now.nics.filter { nic in !before.nics.contains { $0.index == nic.index } }
            return (now.media.filter { !before.media.contains($0) }, nics.map { KeyName(.net, $0.index) })
        }
        (difference.added, difference.addedNICs) = added(running, to: started)
        (difference.removed, difference.removedNICs) = added(started, to: running)
        return difference
    }

    /// Whether what its seed is made from has changed, besides the keys that name it; nil: it can't be read.
    private func isSeedChanged(from running: VMDescription, to params: VMParams) -> Bool? {
        guard let instance = running.instanceID, let uuid = running.uuid.flatMap({ UUID($0) }),
            let wanted = params.cloudInit
        else { return false }
        guard let trust = try? site.trust() else { return nil }
        var contents: [FilePath: [UInt8]] = [:]
        for file in wanted.files {
            guard let content = try? SeedFile.content(of: file, params, trust) else { return nil }
            contents[file.value] = content
        }
        return CloudSeed(wanted, of: name, uuid: uuid, contents: contents).instanceID != instance
    }
}
