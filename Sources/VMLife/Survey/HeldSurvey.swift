import Glibc
import SystemPackage
import VMCore
import VMHost

extension HostResource {
    /// The resources that running VMs hold, with their parts. Empty unless root asks.
    ///
    /// - Parameter unseen: collects what could not be examined.
    static func held(_ paths: Paths, noting unseen: inout [VMError]) -> [HeldCondition] {
        guard geteuid() == 0 else { return [] }
        do throws(VMError) {
            var held: [HeldCondition] = []
            for name in try RunFileOwnership.names(in: paths.resources) {
                for leftover in try HostResource(name, in: paths).remnants() {
                    if let condition = try HeldCondition(leftover, of: name) { held.append(condition) }
                }
            }
            return held
        } catch {
            unseen.append(error)
            return []
        }
    }

    /// Its parts; none if nobody holds it, or if it is in another network namespace.
    private func remnants() throws(VMError) -> [Leftover] {
        let here = try BootAndNamespaces.networkNamespace()
        do throws(Errno) {
            let asked = try ByteLockFile(asking: file)
            guard try asked.isHeld(ResourceJournal.life) else { return [] }
            let lines = try ResourceJournal.lines(of: asked)
            let namespace = lines.compactMap { $0["namespace"]?.integer }.first
            return namespace == here ? lines.compactMap(Leftover.init) : []
        } catch .noSuchFileOrDirectory {
            return []
        } catch {
            throw .unusable(error, file)
        }
    }
}

extension HeldCondition {
    /// nil for a part that is not checked.
    fileprivate init?(_ leftover: Leftover, of resource: String) throws(VMError) {
        switch leftover {
        case .table(let family, let name, let script):
            self.init(resource: resource, thing: .table("\(family) \(name)", script: script))
        case .daemon(let daemon):
            let start = NATServer.start(in: daemon.pidFile.removingLastComponent())
            self.init(resource: resource, thing: .server(isRunning: try daemon.isRunning(), start: start))
        default: return nil
        }
    }
}
