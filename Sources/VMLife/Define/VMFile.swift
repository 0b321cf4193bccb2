import BridgeKernel
import Glibc
import SystemPackage
import VMCore
import VMHost

/// A params file that was read.
package struct VMFile: Sendable {
    /// Its content.
    package var params: VMParams
    /// What is allowed in it, but the user should know.
    package var warnings: [String]
    /// Who may own it, and everything that it names.
    let trust: FileTrust
    /// Which files it and those that it includes were, and when they were last changed; none for a file that is not acted
    /// on.
    private let versions: [FilePath: FileVersion]

    /// Reads and decodes a params file that is to be acted on, with the files that it includes.
    ///
    /// - Throws: `.denied` if an untrusted user could change one of them, `.notFound` if one is missing, `.badData` with
    ///   every diagnostic if it is wrong, `.unavailable` if its only fault is to ask for what is not implemented.
    package init(_ file: FilePath, _ trust: FileTrust) throws(VMError) {
        let trust = try trust.forFile(file)
        var versions: [FilePath: FileVersion] = [:]
        func read(_ path: FilePath) throws(PathWalk.Failure) -> [UInt8] {
            let (bytes, version) = try Self.read(path, trust)
            versions[path] = version
            return bytes
        }
        let own: ParamsSource
        do throws(PathWalk.Failure) { own = ParamsSource(file, try read(file)) } catch {
            throw Self.refusal(of: file, error)
        }
        let included = try own.included(reading: read)
        try self.init(parsing: own, including: included, trust, versions)
    }

    /// Decodes the text that a params file is to have.
    ///
    /// - Throws: as `init`.
    init(_ text: String, of file: FilePath, _ trust: FileTrust) throws(VMError) {
        let trust = try trust.forFile(file)
        let own = ParamsSource(file, Array(text.utf8))
        try self.init(parsing: own, including: Self.included(by: own, trust), trust)
    }

    /// Decodes the text of a params file in which a command line sets some keys.
    ///
    /// - Throws: as `init`; `.usage` or `.badData` for what is wrong because of the command line.
    init(_ lines: OptionLines, of file: FilePath, _ trust: FileTrust) throws(VMError) {
        let trust = try trust.forFile(file)
        let own = ParamsSource(file, Array(lines.text.utf8))
        let included = try Self.included(by: own, trust)
        let parsed = VMParams.parse(own, including: included, from: lines.wordsByLine)
        if let refusal = lines.refusal(of: parsed) { throw refusal }
        try self.init(parsing: own, including: included, trust)
    }

    /// The files that a text includes.
    ///
    /// - Parameter place: where a path that it names leads to.
    /// - Throws: as `init`.
    static func included(
        by own: ParamsSource, _ trust: FileTrust, as place: (FilePath) -> FilePath = { $0 }
    ) throws(VMError) -> [ParamsSource] {
        func read(_ path: FilePath) throws(PathWalk.Failure) -> [UInt8] { try Self.read(place(path), trust).0 }
        return try own.included(reading: read)
    }

    /// The text of a params file that is to be acted on.
    ///
    /// - Throws: as `init`; `.badData` if it is not UTF-8.
    static func text(of file: FilePath, _ trust: FileTrust) throws(VMError) -> String {
        let trust = try trust.forFile(file)
        do throws(PathWalk.Failure) {
            if let text = String(validating: try read(file, trust).0, as: UTF8.self) { return text }
        } catch { throw refusal(of: file, error) }
        throw VMError(.badData, file.string, "is not UTF-8 text")
    }

    /// Reads and decodes a params file that is not acted on, so that its owner does not matter.
    ///
    /// - Throws: as `init`, except `.denied`.
    static func glance(at file: FilePath) throws(VMError) -> VMParams {
        let own: ParamsSource
        do throws(PathWalk.Failure) { own = ParamsSource(file, try glanceAtText(file)) } catch {
            throw refusal(of: file, error)
        }
        return try glance(at: own)
    }

    private static func glance(at own: ParamsSource) throws(VMError) -> VMParams {
        do throws(VMError) {
            return try VMFile(parsing: own, including: included(glancingFrom: own), .root).params
        } catch {
            // The message quotes the file, which a link to anything may be.
            guard let account = stranger(behind: own.file), !account.canRead(own.file) else { throw error }
            throw VMError(
                .denied, own.file.string, "depends on another account, which may not read what is there",
                remedy: "see where it leads: ls -l")
        }
    }

    /// What a file includes, read with no more rights than those of an account that could have written it.
    private static func included(glancingFrom own: ParamsSource) throws(VMError) -> [ParamsSource] {
        guard own.bytes.mention(ParamsKey.include.pattern), let account = stranger(behind: own.file) else {
            return try own.included(reading: glanceAtText)
        }
        return try included(by: own, account)
    }

    /// The rights of an account that could have put something else at a path, and that root does not trust.
    private static func stranger(behind file: FilePath) -> FileTrust? {
        guard geteuid() == 0 else { return nil }
        let trust = (try? Site.current.trust()) ?? .root
        // Of what a group may write to, which may be root's own, that is nobody in particular.
        return trust.stranger(at: file).map { FileTrust(ofAccount: [0, UInt32.max].contains($0) ? nobody : $0) }
    }

    private static let nobody: UInt32 = 65534

    /// Checks what a params file is to say, with what it includes.
    ///
    /// - Throws: why it would be wrong.
    static func check(_ text: String, as file: FilePath) throws(VMError) {
        _ = try glance(at: ParamsSource(file, Array(text.utf8)))
    }

    /// Glances at a file that contains a word anywhere, or includes one that may; nil for other files, and if it can't be
    /// read.
    static func glance(at file: FilePath, ifItMentions word: String) -> VMParams? {
        guard let bytes = try? anyonesText(file), bytes.mention(word) || bytes.mention(ParamsKey.include.pattern) else {
            return nil
        }
        do throws(VMError) { return try glance(at: ParamsSource(file, bytes)) } catch { return nil }
    }

    /// Whether a file that has errors may ask for protection, itself or in what it includes.
    static func mayProtect(_ file: FilePath) -> Bool {
        guard let bytes = try? anyonesText(file) else { return false }
        let own = ParamsSource(file, bytes)
        let sources = [own] + ((try? included(glancingFrom: own)) ?? [])
        return sources.lazy.compactMap { VMParams.mayProtect($0.bytes) }.first ?? false
    }

    /// Refuses a path at which a user whom the caller does not trust could put something else.
    ///
    /// - Throws: `.denied`.
    static func refuseUntrusted(_ file: FilePath, _ trust: FileTrust) throws(VMError) {
        do throws(PathWalk.Failure) { _ = try trust.find(file) } catch { throw refusal(of: file, error) }
    }

    /// Whether the files are still those that were read, with the same content.
    ///
    /// - Throws: why that can't be told.
    var isCurrent: Bool {
        get throws(VMError) {
            for (file, version) in versions {
                do throws(Errno) {
                    guard try status(of: file).map({ FileVersion($0) }) == version else { return false }
                } catch { throw .system(error, file.string, "can't tell whether it is as it was read") }
            }
            return true
        }
    }

    private static func glanceAtText(_ file: FilePath) throws(PathWalk.Failure) -> [UInt8] {
        do throws(Errno) { return try anyonesText(file) } catch { throw .system(error, file) }
    }

    private static func anyonesText(_ file: FilePath) throws(Errno) -> [UInt8] {
        let limit = VMParams.maximumFileSize + 1
        if let remote = RemoteMounts.reader(of: file) {
            let seen = try remote.read(file, limit: limit)
            guard seen.status.kind == S_IFREG else { throw .notSupported }
            return seen.bytes
        }
        let opened = try OwnedDescriptor.anyonesRegular(file)
        return try readAll(opened.descriptor, limit: limit)
    }

    private init(
        parsing own: ParamsSource, including included: [ParamsSource], _ trust: FileTrust,
        _ versions: [FilePath: FileVersion] = [:]
    ) throws(VMError) {
        let parsed = VMParams.parse(own, including: included)
        guard let params = parsed.params else {
            throw parsed.error ?? VMError(.bug, own.file.string, "has no values and no error")
        }
        self.params = params
        self.trust = trust
        self.versions = versions
        warnings = [parsed.warning].compactMap(\.self)
    }

    private static func read(_ file: FilePath, _ trust: FileTrust) throws(PathWalk.Failure) -> ([UInt8], FileVersion) {
        let found = try trust.find(file)
        do throws(Errno) {
            let opened = try found.openRegular()
            let version = FileVersion(try opened.status())
            return (try readAll(opened.descriptor, limit: VMParams.maximumFileSize + 1), version)
        } catch { throw .system(error, file) }
    }

    /// The error for a params file that can't be found or read.
    static func refusal(of file: FilePath, _ failure: PathWalk.Failure) -> VMError {
        switch failure {
        case .system(.notSupported, _): VMError(.badData, file.string, "is not a file")
        case .system(.noSuchFileOrDirectory, _):
            VMError(
                .notFound, file.string, "there is no such file",
                remedy: file.lastComponent == "vm.params"
                    ? .run("make a VM there", "kvmctl create \(file.removingLastComponent())")
                    : "\(command: "kvmctl list") shows all VMs")
        case .system(let errno, _):
            .system(
                errno, file.string, "can't be read",
                remedy: errno == .permissionDenied ? "run kvmctl as root, or as a user who may read it" : nil)
        case .distrusted(let distrust):
            VMError(
                .denied, file.string, distrust.sentence(for: file),
                remedy: distrust.owner == nil
                    ? distrust.remedy
                    : "\(distrust.remedy); or use it with that account's rights and no others: --trust-owner")
        }
    }
}

/// A file as it was at one moment: any later change shows in it (inode(7), ctime).
struct FileVersion: Equatable {
    let identity: FileIdentity
    let size: Int64
    let changed: Duration

    init(_ status: stat) {
        identity = FileIdentity(status)
        size = Int64(status.st_size)
        changed = .seconds(status.st_ctim.tv_sec) + .nanoseconds(status.st_ctim.tv_nsec)
    }
}
