import Glibc
import SystemPackage
import VMCore

/// The QEMU binary that a VM is run with, found and checked.
package struct QEMUProgram {
    package let path: FilePath
    let status: stat

    /// The names of the system emulator in distributions, and where some put it outside PATH.
    private static let usualNames = ["qemu-system-x86_64", "qemu-kvm", "/usr/libexec/qemu-kvm"]

    /// The binary that a file's `QEMU` names, or the host's default.
    ///
    /// - Throws: `.unavailable` if there is none; the error of a place that can't be examined, if no other has it.
    package init(_ params: VMParams?, _ trust: FileTrust) throws(VMError) {
        var obstacle: VMError?
        for candidate in params?.qemu.map({ [$0.value] }) ?? Self.usualNames {
            let places =
                candidate.contains("/") ? [FilePath(candidate)] : Self.searchPath.map { $0.appending(candidate) }
            for place in places {
                guard let status = try Self.status(of: place, params, trust, &obstacle) else { continue }
                (path, self.status) = (place, status)
                return
            }
        }
        throw obstacle ?? Self.missing(params)
    }

    /// Whether it is the host's default, for a VM without `QEMU`.
    package func isHostsOwn(_ trust: FileTrust) throws(VMError) -> Bool {
        guard let own = try? QEMUProgram(nil, trust) else { return false }
        return FileIdentity(own.status) == FileIdentity(status)
    }

    /// The cache key, which changes when an upgrade replaces the binary.
    var key: String {
        "\(status.st_dev)-\(status.st_ino)-\(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)"
    }

    /// PATH without relative directories: they would make the program depend on where kvmctl is run.
    private static var searchPath: [FilePath] {
        let path = getenv("PATH").map { String(cString: $0) } ?? ""
        let places = path.split(separator: ":").filter { $0.hasPrefix("/") }.map { FilePath(String($0)) }
        return places + ["/usr/bin", "/usr/local/bin"]
    }

    /// nil if there is no such program, or if that can't be determined; `obstacle` then says why.
    private static func status(
        of place: FilePath, _ params: VMParams?, _ trust: FileTrust, _ obstacle: inout VMError?
    ) throws(VMError) -> stat? {
        do throws(PathWalk.Failure) {
            let found = try trust.findProgram(place)
            guard let status = found.status, status.kind == S_IFREG, found.executeFailure == nil else { return nil }
            return status
        } catch {
            switch error {
            case .system(.noSuchFileOrDirectory, _), .system(.notDirectory, _), .distrusted: break
            case .system(let errno, _):
                obstacle =
                    obstacle ?? .system(errno, place.string, "can't be examined", condition: .qemu(place))
            }
            // A directory of PATH that another user can write to is skipped.
            guard case .distrusted(let distrust) = error, let params, let qemu = params.qemu, qemu.value.contains("/")
            else { return nil }
            throw distrust.refusal(toUse: place, at: params.place(qemu.origin))
        }
    }

    private static func missing(_ params: VMParams?) -> VMError {
        guard let params, let name = params.qemu else {
            return VMError(
                .unavailable, params?.file.string ?? "", "there is no \(usualNames[0]) in PATH",
                remedy: .run("install QEMU", "apt-get install qemu-system-x86"), condition: .qemu(nil))
        }
        let isThere = name.value.contains("/") && access(name.value, F_OK) == 0
        return VMError(
            .unavailable, params.place(name.origin),
            isThere ? "\(name.value) is not executable" : "there is no program \(name.value)",
            remedy: "correct the path, or leave QEMU out to use \(usualNames[0]) from PATH")
    }
}
