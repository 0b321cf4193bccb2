import Glibc
import SystemPackage
import VMCore
import VMHost

/// Has the service manager start a VM with the host, or no longer.
package struct Enabling: Sendable {
    /// What has to be done.
    package enum Step: Equatable, Sendable {
        /// Write the file with what the VM's params file says of its unit.
        case write(FilePath, text: String)
        /// Remove that file.
        case remove(FilePath)
        /// Run systemctl(1).
        case systemctl([String])
    }

    /// In this order; empty: it is so already.
    package let steps: [Step]
    private let name: VMName
    private let unit: ServiceUnit
    /// Whether it was not enabled before, and had no such file.
    private let isNew: Bool

    /// The file with what the VM's params file says of its unit; nil if there is none afterwards.
    package let dropIn: FilePath?

    fileprivate init(_ unit: ServiceUnit, enabled wanted: Bool, dropIn text: String?, now: Bool) throws(VMError) {
        name = unit.name
        self.unit = unit
        dropIn = text == nil ? nil : unit.dropIn
        var steps: [Step] = []
        let found = try Self.dropIn(of: unit)
        let isChanged = try unit.isEnabled != wanted
        isNew = wanted && isChanged && found == nil
        // A unit that starts with the host is never without what its VM's file says: systemctl goes first or last.
        if isChanged, !wanted { steps.append(.systemctl(unit.command("disable", unit.title))) }
        if let text, text != found { steps.append(.write(unit.dropIn, text: text)) }
        if text == nil, found != nil { steps.append(.remove(unit.dropIn)) }
        if isChanged, wanted {
            steps.append(.systemctl(unit.command("enable", unit.title)))
        } else if text != found, Self.runsSystemd {
            steps.append(.systemctl(unit.command("daemon-reload")))
        }
        if now { steps.append(.systemctl(unit.command(wanted ? "start" : "stop", unit.title))) }
        self.steps = steps
    }

    /// Whether systemd runs here (sd_booted(3)).
    private static var runsSystemd: Bool { (try? isThere("/run/systemd/system")) == true }

    private static func dropIn(of unit: ServiceUnit) throws(VMError) -> String? {
        let path = unit.dropIn
        let text: String
        do throws(Errno) { text = String(decoding: try readFile(path), as: UTF8.self) } catch .noSuchFileOrDirectory {
            return nil
        } catch { throw .system(error, path.string, "can't be read") }
        guard text.hasPrefix(UnitDropIn.mark) else {
            throw VMError(
                .cannotCreate, path.string, "was not written by kvmctl",
                remedy: "give it another name: \(command: "systemctl edit") calls its files override.conf")
        }
        return text
    }

    /// Refuses, by looking alone, what systemctl would refuse when it is carried out.
    package func refuseUninstalled() throws(VMError) {
        let runs = steps.contains { if case .systemctl = $0 { true } else { false } }
        guard runs else { return }
        if Tool.systemctl.path == nil { throw Tool.systemctl.missing(for: name.description) }
        if try !unit.isInstalled { throw uninstalled }
    }

    private var uninstalled: VMError {
        VMError(
            .unavailable, name.description, "kvmctl's units are not installed on this host",
            remedy: "install them (make install, or the Debian package); without systemd, set AUTOSTART=yes")
    }

    /// Carries it out. Repeating it after a failure does the rest.
    package func carryOut() throws(VMError) {
        do throws(VMError) { try carryOutSteps() } catch {
            if isNew, (try? unit.isEnabled) == false { forgetDropIn() }
            throw error
        }
        if dropIn == nil { forgetDropIn() }
    }

    /// Removes it, with what a killed command may have left there.
    private func forgetDropIn() {
        try? removeReplacedFile(unit.dropIn)
        removeDirectory(unit.dropIn.removingLastComponent())
    }

    private func carryOutSteps() throws(VMError) {
        for step in steps {
            switch step {
            case .write(let path, let text): try write(text, to: path)
            case .remove(let path):
                do throws(Errno) { try removeReplacedFile(path) } catch { throw Self.failure(error, path, "removed") }
            case .systemctl(let words):
                do throws(VMError) {
                    try Tool.systemctl.run(words, for: name.description, by: Deadline(in: .seconds(300)))
                } catch {
                    guard error.details.contains(where: { $0.contains("kvmctl@") && $0.contains("does not exist") })
                    else {
                        throw error
                    }
                    throw uninstalled
                }
            }
        }
    }

    private func write(_ text: String, to path: FilePath) throws(VMError) {
        do throws(Errno) {
            try makeDirectories(path.removingLastComponent(), permissions: 0o755)
            try replaceFile(path, with: Array(text.utf8), permissions: 0o644, lasting: true)
        } catch { throw Self.failure(error, path, "written") }
    }

    private static func failure(_ error: Errno, _ path: FilePath, _ deed: String) -> VMError {
        .system(error, path.string, "can't be \(deed)", remedy: error == .permissionDenied ? "run it as root" : nil)
    }
}

extension Machine {
    /// Has the service manager start the VM with the host.
    ///
    /// - Parameter now: whether it starts it now, too.
    /// - Throws: why its file can't be used; `.busy` if the unit would not find the VM by its name.
    package func enabling(now: Bool, in context: PlanningContext) throws(VMError) -> Enabling {
        let file = try context.file(of: self)
        let params = file.params
        try starting(in: context).refuseTemplate()
        if case .owner(_, let owner) = file.trust.rule {
            throw VMError(
                .denied, self.file.string, "belongs to \(owner), and the host's units act for root alone",
                remedy: "enable it as \(owner), whose own service manager starts it then; or give the file to root")
        }
        guard try isFound(by: params.name.value, in: context) else {
            throw VMError(
                .busy, self.file.string,
                "its unit starts it by its name, by which it is not found: it is not under \(site.rootsText)",
                remedy: "move it there, or add a link to its directory")
        }
        let dropIn = UnitDropIn(params, environment: site.environmentOfUnits)
        if let word = dropIn.unsayable {
            throw VMError(
                .badData, word, "has a control character, which no unit of systemd's can name", remedy: "rename it")
        }
        return try Enabling(ServiceUnit(self.called(params.name.value)), enabled: true, dropIn: dropIn.text, now: now)
    }

    /// Whether its name leads to it by its file under the roots, as it does for the unit, and not only while it runs.
    private func isFound(by name: VMName, in context: PlanningContext) throws(VMError) -> Bool {
        for other in site.definitions().files {
            // A file with a fault defines no VM that could be meant.
            guard let params = try? context.glance(at: other), params.name.value == name else { continue }
            do throws(Errno) { if try isSameFile(other, file) { return true } } catch {
                throw .system(error, other.string, "can't tell whether it is \(file)")
            }
        }
        return false
    }

    /// Has the service manager start the VM with the host no longer.
    ///
    /// - Parameter now: whether it stops it now, too.
    package func disabling(now: Bool) throws(VMError) -> Enabling {
        try Enabling(ServiceUnit(self), enabled: false, dropIn: nil, now: now)
    }

    /// Whether its file has `kvmctl autostart run` start it.
    package var saysAutostart: Bool { (try? VMFile.glance(at: file))?.service.autostart.value == true }

    private func called(_ name: VMName) -> Machine { Machine(name: name, file: file, site: site) }
}

extension Site {
    /// The VMs whose files say `AUTOSTART=yes`, and those that are enabled, in the order in which they start; and what is
    /// wrong with the others. A file that the caller does not trust neither takes a name nor keeps others waiting.
    package func autostarting(
        in context: PlanningContext
    ) throws(VMError) -> (vms: [(vm: Machine, service: ServiceParams)], unseen: [VMError]) {
        let (enabled, defined) = (try enabledNames(), definitions())
        var unseen = defined.unseen
        var found: [VMName: (vm: Machine, params: VMParams)] = [:]
        for file in defined.files {
            do throws(VMError) {
                let seen = try context.glance(at: file)
                guard seen.service.autostart.value || enabled.contains(seen.name.value) else { continue }
                let params = try context.file(at: file).params
                let name = params.name.value
                guard found[name] == nil else { continue }
                found[name] = (Machine(name: name, file: file, site: self), params)
            } catch { unseen.append(error) }
        }
        let (order, fault) = StartOrder.of(found.map { ($0.key, $0.value.params.service.after?.value ?? []) })
        if let fault { unseen.append(fault) }
        let vms = order.compactMap { name in found[name].map { (vm: $0.vm, service: $0.params.service) } }
        return (vms, unseen)
    }
}
