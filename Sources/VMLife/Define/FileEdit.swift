import BridgeKernel
import CLinux
import Glibc
import SystemPackage
import VMCore
import VMHost

extension Machine {
    /// Changes the text of the VM's params file, which then has the old text or the new one, even after a power cut.
    ///
    /// To be called within `operate`, if the VM is changed too. A lock of its own keeps kvmctl's commands from losing
    /// each other's changes; any other editor's change while this one is made is noticed, and nothing is written.
    ///
    /// - Parameters:
    ///   - trust: whose file it may be; nil: the caller's rule.
    ///   - change: makes the new text of the old one. If it throws, or the text stays the same, nothing is written.
    /// - Throws: `.denied` if an untrusted user could change the file, or its owner can't be kept; `.busy` if somebody
    ///   else changed it meanwhile; `.badData` if it is not UTF-8 text; why it can't be written; what `change` throws.
    package func rewriteFile(
        trust: FileTrust? = nil, _ change: (String) throws(VMError) -> String
    ) throws(VMError) {
        try refuseEphemeral()
        let lock = try paths.lockFiles()
        defer { lock.giveBack(0) }
        let rule = if let trust { trust } else { try site.trust() }
        let edit = try FileEdit(file, rule)
        let text = try change(edit.text)
        guard !text.utf8.elementsEqual(edit.text.utf8) else { return }
        try edit.write(text)
        // The next start notes it too, and says why if it can't.
        try? site.noted.note([file])
    }
}

extension Machine {
    /// The text of the VM's params file.
    ///
    /// - Throws: as `rewriteFile`.
    package func fileText(trust: FileTrust) throws(VMError) -> String {
        try refuseEphemeral()
        return try FileEdit(file, trust).text
    }
}

/// A params file that is being changed.
///
/// The new text is written to a file without a name, which gets a name beside the old one only to replace it at once:
/// a command that is killed leaves nothing, or that one file, which the next change removes.
private struct FileEdit: ~Copyable {
    /// What it says now.
    let text: String
    private let file: FilePath
    private let place: FoundFile
    private let status: stat

    /// Reads the file. A link stays as it is: the file that it leads to is changed.
    init(_ file: FilePath, _ trust: FileTrust) throws(VMError) {
        let place = try Self.find(file, trust.forFile(file))
        let (bytes, status, hasAccessList): ([UInt8], stat, Bool)
        do throws(Errno) { (bytes, status, hasAccessList) = try Self.read(place) } catch {
            throw VMFile.refusal(of: file, .system(error, file))
        }
        guard bytes.count <= VMParams.maximumFileSize else {
            throw VMError(
                .badData, file.string, "is larger than \(ByteCount(bytes: Int64(VMParams.maximumFileSize)))",
                remedy: "a params file has some lines: look at what is in it")
        }
        guard !hasAccessList else {
            throw VMError(
                .busy, file.string, "has an access control list, which a new file in its place would not have",
                remedy: "change it with an editor that writes in place, or remove the list (setfacl -b)")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw VMError(
                .badData, file.string, "is not UTF-8 text, so a change could lose something",
                remedy: "convert it first (iconv -f LATIN1 -t UTF-8)")
        }
        guard status.st_nlink == 1 else {
            throw VMError(
                .busy, file.string, "has \(status.st_nlink) names (hard links), and the others would keep the old text",
                remedy: "remove the other names, or make them symbolic links")
        }
        (self.text, self.file, self.status) = (text, file, status)
        self.place = place
    }

    private static func find(_ file: FilePath, _ trust: FileTrust) throws(VMError) -> FoundFile {
        do throws(PathWalk.Failure) { return try trust.find(file) } catch { throw VMFile.refusal(of: file, error) }
    }

    private static func read(_ place: borrowing FoundFile) throws(Errno) -> ([UInt8], stat, hasAccessList: Bool) {
        let opened = try place.openRegular()
        let list = clinux_has_access_list(opened.rawValue)
        guard list >= 0 else { throw Errno(rawValue: -list) }
        return (
            try readAll(opened.descriptor, limit: VMParams.maximumFileSize + 1), try opened.status(), list > 0
        )
    }

    /// Replaces the file. If that fails, it is as it was.
    func write(_ text: String) throws(VMError) {
        let new: NewFile
        do throws(Errno) { new = try putInPlace(text) } catch { throw failure(error) }
        do throws(Errno) { try new.syncName() } catch {
            do throws(Errno) { _ = try putInPlace(self.text, always: true) } catch let other {
                throw .system(other, file.string, "is changed, but may not be after a power cut: \(error)")
            }
            throw failure(error)
        }
    }

    /// - Parameter always: also if the file is no longer the one that was read.
    private func putInPlace(_ text: String, always: Bool = false) throws(Errno) -> NewFile {
        let new = try prepare(text)
        do throws(Errno) {
            try new.sync()
            let now = try place.statusNow().map { FileVersion($0) }
            guard always || now == FileVersion(status) else { throw .staleNFSFileHandle }
            try new.replace(place)
        } catch {
            new.remove()
            throw error
        }
        return new
    }

    private func prepare(_ text: String) throws(Errno) -> NewFile {
        guard let name = unfinished(place.path).lastComponent else { throw .invalidArgument }
        let beside = try place.sibling(name)
        // Left by a command that was killed.
        if let left = beside.status, left.kind == S_IFREG { try beside.remove(FileIdentity(left)) }
        return try NewFile(at: place.sibling(name), permissions: 0o600) { out throws(Errno) in
            try writeAll(Array(text.utf8), to: out.descriptor)
            let made = try out.status()
            if (made.st_uid, made.st_gid) != (status.st_uid, status.st_gid),
                fchown(out.rawValue, status.st_uid, status.st_gid) != 0
            {
                throw Errno(rawValue: errno)
            }
            // After fchown, which may clear bits.
            guard fchmod(out.rawValue, status.st_mode & 0o7777) == 0 else { throw Errno(rawValue: errno) }
        }
    }

    private func failure(_ errno: Errno) -> VMError {
        switch errno {
        case .staleNFSFileHandle:
            VMError(
                .busy, file.string, "somebody else changed it meanwhile, so nothing was written", remedy: "try again")
        case .fileExists:
            VMError(
                .cannotCreate, file.string,
                "can't be replaced: something that is not a file has the name \(unfinished(place.path))",
                remedy: "remove that")
        case .permissionDenied:
            .system(
                errno, file.string, "can't be replaced: you may not write to its directory",
                remedy: "run kvmctl as a user who may")
        case .notPermitted:
            .system(
                errno, file.string, "can't be replaced by a file with the same owner and group",
                remedy: "run kvmctl as its owner, or as root")
        default: .system(errno, file.string, "can't be written; it is as it was")
        }
    }
}

extension Paths {
    /// Locks the params files: only who has it replaces one, or removes one. One lock for all VMs, as a change takes less
    /// than a moment.
    func lockFiles() throws(VMError) -> ByteLockFile {
        try makeRun()
        let path = run.appending("files")
        let lock = try ByteLockFile.make(path, permissions: 0o600)
        guard try lock.take(0, of: path, by: Deadline(in: .seconds(10))) else {
            throw VMError(
                .busy, path.string, "is locked by another process", remedy: "\(command: "lslocks") says which")
        }
        return lock
    }
}
