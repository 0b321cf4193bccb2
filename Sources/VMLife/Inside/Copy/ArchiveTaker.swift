import Glibc
import SystemPackage
import VMCore
import VMHost

/// Takes the small files of a guest, which come as an archive.
final class ArchiveTaker {
    private let tree: Tree
    private let base: [UInt8]
    /// What was asked for and has not come.
    private var wanted: [[UInt8]: FileEntry]
    /// What has come, for further names of the same file.
    private var taken: Set<[UInt8]> = []
    private var reader = TarReader()
    private var part: PartFile?
    private var entry: TarReader.Entry?

    /// How much may come in all, headers and growth of files included: a guest may send without end.
    private var left: Int64

    private(set) var bytes: Int64 = 0
    private(set) var failures: [VMError] = []

    /// How much larger than it was said to be a file may be: it may grow meanwhile.
    private static let growth: Int64 = 16 << 20
    /// The same for all of them.
    private static let slack: Int64 = 256 << 20

    init(_ entries: [FileEntry], into tree: Tree, base: [UInt8]) {
        (self.tree, self.base) = (tree, base)
        let most = entries.contentSize.addingReportingOverflow(Int64(entries.count) << 14 + Self.slack)
        left = most.overflow ? .max : most.partialValue
        wanted = Dictionary(entries.map { ($0.path, $0) }) { first, _ in first }
    }

    deinit { part.take()?.discard() }

    var hasFiles: Bool { !taken.isEmpty }

    /// The file in progress, for people.
    var current: String { entry.map { BytePath.shown($0.path) } ?? "" }

    func take(_ bytes: [UInt8]) throws(VMError) {
        left -= Int64(bytes.count)
        guard left >= 0 else {
            throw VMError(.badData, tree.path.string, "the guest sends more than there is to copy")
        }
        try reader.take(bytes) { (event) throws(VMError) in
            try take(event)
        } failed: { failure in
            VMError(.badData, tree.path.string, "the guest's tar sends no archive: \(failure.cause)")
        }
    }

    private func take(_ event: TarReader.Event) throws(VMError) {
        switch event {
        case .entry(let entry): try begin(entry)
        case .data(let bytes, let offset):
            self.bytes += Int64(bytes.count)
            // One that failed has none: the others are copied all the same.
            try attempt { () throws(VMError) in try part?.write(bytes, at: offset) }
        case .end: try end()
        }
    }

    private func begin(_ entry: TarReader.Entry) throws(VMError) {
        guard let expected = wanted.removeValue(forKey: entry.path) else {
            throw VMError(
                .badData, tree.path.string,
                "the guest sends a file that it was not asked for: \(Printable.excerpt(BytePath.shown(entry.path)))")
        }
        self.entry = entry
        switch entry.kind {
        case .regular(let size):
            guard size - Self.growth <= expected.size else {
                throw VMError(.unavailable, shown(entry), "it grew while it was copied", remedy: "copy it again")
            }
            try attempt { () throws(VMError) in part = try PartFile(at: path(entry), in: tree) }
        case .link(let target): try attempt { () throws(VMError) in try makeLink(entry, target) }
        case .hardLink(let other): try attempt { () throws(VMError) in try copy(other, as: entry) }
        case .directory, .special: failures.append(.notCopied(shown(entry)))
        }
    }

    private func end() throws(VMError) {
        guard let entry, case .regular(let size) = entry.kind else { return }
        try attempt { () throws(VMError) in
            guard let part = part.take() else { return }
            try part.complete(size: size, permissions: entry.permissions, modified: entry.modified)
            try part.putInPlace()
            note(entry)
        }
    }

    private func note(_ entry: TarReader.Entry) {
        taken.insert(entry.path)
    }

    private func makeLink(_ entry: TarReader.Entry, _ target: [UInt8]) throws(VMError) {
        let (directory, name) = BytePath.split(path(entry))
        let part = BytePath.join(directory, BytePath.partName(of: name))
        try tree.refuseUnlessReplaceable(path(entry))
        do throws(Errno) {
            try tree.remove(part)
            try tree.makeLink(part, to: target)
            do throws(Errno) { try tree.rename(part, to: name) } catch {
                try? tree.remove(part)
                throw error
            }
        } catch { throw .system(error, shown(entry), "can't be made") }
        note(entry)
    }

    /// Another name of a file that has come: a file of its own here.
    private func copy(_ other: [UInt8], as entry: TarReader.Entry) throws(VMError) {
        guard taken.contains(other) else {
            throw VMError(.badData, shown(entry), "the guest says that it is a file that it has not sent")
        }
        let part = try PartFile(at: path(entry), in: tree)
        do throws(VMError) {
            try part.copy(from: BytePath.join(base, other))
            try part.complete(size: nil, permissions: entry.permissions, modified: entry.modified)
        } catch {
            part.discard()
            throw error
        }
        try part.putInPlace()
        note(entry)
    }

    /// Notes why a file can't be copied. A full disk ends the copy: all that follow would fail.
    private func attempt(_ body: () throws(VMError) -> Void) throws(VMError) {
        do throws(VMError) { try body() } catch {
            part.take()?.discard()
            guard error.errno != .noSpace, error.errno != .diskQuotaExceeded else { throw error }
            failures.append(error)
        }
    }

    private func path(_ entry: TarReader.Entry) -> [UInt8] { BytePath.join(base, entry.path) }
    private func shown(_ entry: TarReader.Entry) -> String { tree.shown(path(entry)) }

    /// What is missing at the end; nil: nothing.
    func finish(tarCode: String?, messages: [String], of name: VMName) -> VMError? {
        guard !wanted.isEmpty || tarCode != "0" || !reader.isBetween else { return nil }
        let missing = wanted.keys.prefix(3).map { Printable.excerpt(BytePath.shown($0)) }
        let cause =
            wanted.isEmpty
            ? "tar failed in the guest"
            : "the guest did not send \(wanted.count) of the files: \(missing.joined(separator: ", "))"
        return VMError(
            .unavailable, name.description, cause, remedy: "copy them again with --resume",
            details: messages.prefix(3).map { "the guest says: \(Printable.foreign($0))" })
    }
}
