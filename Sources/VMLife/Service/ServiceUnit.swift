import Glibc
import SystemPackage
import VMCore
import VMHost

/// A VM's unit of the caller's service manager: the host's for root, the user's own for others.
struct ServiceUnit {
    let name: VMName
    private let directory: FilePath
    private let isUsers: Bool

    init(_ vm: Machine) { self.init(vm.name, ServiceDirectory(vm.site)) }

    private init(_ name: VMName, _ place: ServiceDirectory) {
        (self.name, directory, isUsers) = (name, place.path, place.isUsers)
    }

    /// Its name, as systemctl(1) takes it.
    var title: String { "kvmctl@\(name).service" }

    /// The file with what the VM's params file says of it.
    var dropIn: FilePath { directory.appending("\(title).d").appending("kvmctl.conf") }

    /// Whether it starts with the host.
    var isEnabled: Bool {
        get throws(VMError) {
            do throws(Errno) {
                for wants in ServiceDirectory.wants {
                    if try isLink(directory.appending(wants).appending(title)) { return true }
                }
                return false
            } catch { throw .system(error, directory.string, "can't tell whether \(name) is enabled") }
        }
    }

    /// Whether the service manager finds it, or the template that it is made from, where it looks (systemd.unit(5)).
    var isInstalled: Bool {
        get throws(VMError) {
            // systemd knows of more places then.
            if getenv("SYSTEMD_UNIT_PATH") != nil { return true }
            let kind = isUsers ? "user" : "system"
            let others = ["/etc", "/run", "/usr/local/lib", "/usr/local/share", "/usr/lib", "/usr/share", "/lib"]
            let places = [directory] + others.map { FilePath($0).appending("systemd/\(kind)") }
            do throws(Errno) {
                for place in places {
                    for file in ["kvmctl@.service", title] where try isThere(place.appending(file)) { return true }
                }
                return false
            } catch { throw .system(error, directory.string, "can't tell whether kvmctl's units are installed") }
        }
    }

    /// Whether its drop-in is what a params file says of it. A unit that was never enabled has none, and needs none.
    func isCurrent(for params: VMParams, of site: Site) throws(Errno) -> Bool {
        let text = UnitDropIn(params, environment: site.environmentOfUnits).text
        do throws(Errno) { return try readFile(dropIn) == text.map { Array($0.utf8) } } catch .noSuchFileOrDirectory {
            return params.service.isSilent
        }
    }

    /// A command for the service manager that it belongs to.
    func command(_ words: String...) -> [String] { (isUsers ? ["--user"] : []) + words }
}

/// Where an admin's units are (systemd.unit(5)).
struct ServiceDirectory {
    let path: FilePath
    let isUsers: Bool

    init(_ site: Site) {
        isUsers = !site.isRoots
        path = isUsers ? site.userConfiguration.appending("systemd/user") : "/etc/systemd/system"
    }

    /// The directories with links to what is enabled: of the targets in kvmctl@.service's [Install].
    static let wants = ["multi-user.target.wants", "default.target.wants"]
}

extension Site {
    /// A VM of which only its unit is left; nil if nothing of this name is enabled.
    package func machineOfUnit(_ word: String) -> Machine? {
        guard let name = VMName(word), (try? enabledNames().contains(name)) == true else { return nil }
        return Machine(name: name, file: "", site: self)
    }

    /// The VMs that start with the host: those whose units are enabled, and those that `autostart run` starts are not
    /// among them. Reads two directories, whatever the number of VMs.
    ///
    /// - Throws: why it can't be told.
    package func enabledNames() throws(VMError) -> Set<VMName> {
        let place = ServiceDirectory(self).path
        do throws(Errno) {
            var found: Set<VMName> = []
            for directory in ServiceDirectory.wants {
                for link in try names(in: place.appending(directory)) ?? [] where link.hasPrefix("kvmctl@") {
                    let name = link.dropFirst("kvmctl@".count)
                    if name.hasSuffix(".service"), let name = VMName(name.dropLast(".service".count)) {
                        found.insert(name)
                    }
                }
            }
            return found
        } catch { throw .system(error, place.string, "can't tell which VMs are enabled") }
    }
}
