import BridgeKernel
import Glibc
import SystemPackage
import VMCore
import VMHost

/// A private copy of a text for an editor to work on.
package struct EditedCopy {
    /// Where it is.
    package let file: FilePath

    /// Makes it in a directory of its own, which only this user can enter.
    package init(of text: String, called name: VMName) throws(VMError) {
        let place = geteuid() == 0 ? nil : getenv("TMPDIR").map { String(cString: $0) }
        var template = Array("\(place.flatMap { $0.hasPrefix("/") ? $0 : nil } ?? P_tmpdir)/kvmctl-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw .system(Errno(rawValue: errno), FilePath(platformString: template).string, "can't be made")
        }
        file = FilePath(platformString: template).appending("\(name).params")
        do throws(Errno) {
            let copy = try OwnedDescriptor.open(
                file, .writeOnly, flags: O_CREAT | O_EXCL | O_NOFOLLOW, permissions: 0o600)
            try writeAll(Array(text.utf8), to: copy.descriptor)
        } catch {
            remove()
            throw .system(error, file.string, "can't be written")
        }
    }

    /// Lets the user edit it, with the editor of this process's environment, and returns what they saved.
    ///
    /// system(3) leaves Ctrl-C to the editor.
    package func edit() throws(VMError) -> String {
        let editor = Self.editor
        let status = system("\(editor) \(ShellCommand.singleQuoted(file.string))")
        guard status == 0 else {
            let ending = status & 0x7f == 0 ? "with \((status >> 8) & 0xff)" : "by signal \(status & 0x7f)"
            throw VMError(
                .unavailable, editor, "the editor ended \(ending), so nothing was saved",
                remedy: "name another one in VISUAL or EDITOR; what you wrote is in \(file)")
        }
        let bytes: [UInt8]
        do throws(Errno) {
            bytes = try readFile(file, limit: VMParams.maximumFileSize + 1)
        } catch .noSuchFileOrDirectory {
            remove()
            throw VMError(.notFound, file.string, "the editor removed it, so nothing was saved")
        } catch {
            throw .system(error, file.string, "can't be read")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw VMError(
                .badData, file.string, "is not UTF-8 text, so it was not saved",
                remedy: "convert it (iconv -f LATIN1 -t UTF-8)")
        }
        return text
    }

    /// A command of sh's: the user may have put options there.
    private static var editor: String {
        let named = ["VISUAL", "EDITOR"].lazy
            .compactMap { (key: String) in getenv(key).map { String(cString: $0) } }.first { !$0.isEmpty }
        return named ?? (Tool(name: "sensible-editor", package: "sensible-utils").path?.string ?? "vi")
    }

    /// Removes it, with what the editor left beside it.
    package func remove() {
        let directory = file.removingLastComponent()
        for name in (try? names(in: directory)) ?? [] { removeFile(directory.appending(name)) }
        removeDirectory(directory)
    }
}
