import BridgeKernel
import Glibc
import SystemPackage
import VMCore

extension Settings {
    /// Reads the settings of a user: /etc/kvmctl.conf, and over it the user's own file.
    ///
    /// - Throws: `.denied` for a file of root's commands that someone else could change, and for /etc/kvmctl.conf in any
    ///   case; `.badData` for one that is wrong; why one can't be read.
    package static func of(uid: UInt32, environment: (String) -> String?) throws(VMError) -> Settings {
        let own = UserConfiguration.directory(uid: uid, environment: environment).appending(SettingsFile.name)
        let trust: FileTrust = uid == 0 ? .root : try .of(uid: uid, environment: environment)
        let system = try SettingsFile.read(SettingsFile.system, .root)
        let users = try SettingsFile.read(own, trust)
        guard system != nil || users != nil else { return Settings() }
        return try Settings([system, users].compactMap(\.self))
    }
}

/// Where a user's own settings are (XDG Base Directory Specification).
package enum UserConfiguration {
    /// The directory: `$XDG_CONFIG_HOME` or `~/.config`. Root's is below its own home even if sudo kept the variables of
    /// the user behind it.
    package static func directory(uid: UInt32, environment: (String) -> String?) -> FilePath {
        func path(_ key: String) -> FilePath? {
            environment(key).flatMap { $0.hasPrefix("/") ? FilePath($0) : nil }
        }
        if let named = path("XDG_CONFIG_HOME"), uid != 0 || isRoots(named) { return named }
        if let home = path("HOME"), uid != 0 || isRoots(home) { return home.appending(".config") }
        return (uid == 0 ? Accounts.home(of: 0) : "/").appending(".config")
    }

    /// This only chooses a directory: whether what is in it is used is decided when it is found.
    private static func isRoots(_ directory: FilePath) -> Bool { (try? status(of: directory))?.st_uid == 0 }
}

/// A file of settings.
enum SettingsFile {
    static let name = "kvmctl.conf"
    static let system: FilePath = "/etc/kvmctl.conf"

    /// Its text; nil if there is no such file, which costs one system call.
    static func read(_ file: FilePath, _ trust: FileTrust) throws(VMError) -> ParamsSource? {
        do throws(PathWalk.Failure) {
            // A link that leads nowhere is no missing file: what it should lead to may not be mounted.
            do throws(Errno) {
                if try !isThere(file) { guard try isLink(file) else { return nil } }
            } catch {
                throw .system(error, file)
            }
            let found = try trust.find(file)
            let status: stat
            let bytes: [UInt8]
            do throws(Errno) {
                let opened = try found.openRegular()
                status = try opened.status()
                bytes = try readAll(opened.descriptor, limit: VMParams.maximumFileSize + 1)
            } catch { throw .system(error, file) }
            // Unlike a params file it may not even belong to a group of which root is the only member.
            if trust == .root, status.st_mode & 0o022 != 0 {
                let mode = String(status.st_mode & 0o7777, radix: 8)
                throw .distrusted(UntrustedFile(.group(Accounts.groupName(status.st_gid), mode: mode), at: file))
            }
            return ParamsSource(file, bytes)
        } catch {
            throw refusal(of: file, error)
        }
    }

    private static func refusal(of file: FilePath, _ failure: PathWalk.Failure) -> VMError {
        switch failure {
        case .system(.notSupported, _): VMError(.badData, file.string, "is not a file")
        case .system(let errno, _): .system(errno, file.string, "can't be read")
        case .distrusted(let distrust):
            VMError(
                .denied, file.string,
                (distrust.place == file ? "" : "depends on \(distrust.place), which ")
                    + "\(distrust.cause): only root may be able to change these settings",
                remedy: remedy(distrust))
        }
    }

    private static func remedy(_ distrust: UntrustedFile) -> Remedy {
        switch distrust.cause {
        case .owner: .run("give it to root", "chown root \(distrust.place)")
        case .everyone, .group: .run("let nobody else write to it", "chmod go-w \(distrust.place)")
        case .served, .unknownServer, .otherNames: distrust.remedy
        }
    }
}
