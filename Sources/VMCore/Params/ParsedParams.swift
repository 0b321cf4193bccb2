import SystemPackage

/// The result of parsing a params file.
package struct ParsedParams: Equatable, Sendable {
    /// The file that was parsed.
    package var file: FilePath
    /// The parameters; nil if the file has any error.
    package var params: VMParams?
    /// What is wrong, or risky, in the order of the file; at most a hundred.
    package var diagnostics: [Diagnostic]
    /// How many errors there are, listed or not.
    package var errorCount: Int
    /// How many further diagnostics are not listed.
    package var unlisted: Int
    /// Whether any error, listed or not, is about content that is wrong rather than not implemented yet.
    var hasBadData: Bool

    /// The lines that show the diagnostics; the last one says how many are not listed.
    package var lines: [String] {
        guard !diagnostics.isEmpty else { return [] }
        let path = Printable.escaped(file.string)
        let rest = unlisted > 0 ? ["… and \(unlisted) more"] : []
        return diagnostics.flatMap { $0.rendered(file: path) } + rest
    }

    /// The warnings about a file that can be used, as one notice; nil: there are none.
    package var warning: String? { errorCount == 0 && !diagnostics.isEmpty ? lines.joined(separator: "\n  ") : nil }

    /// Why the file can't be used, with every diagnostic in the details: wrong content (65), or, if nothing else is
    /// wrong, something that is not implemented yet (69); nil if it can be used.
    package var error: VMError? {
        guard errorCount > 0 else { return nil }
        return VMError(
            hasBadData ? .badData : .unavailable, Printable.escaped(file.string), summary, details: lines)
    }

    /// `2 errors, 1 warning`.
    private var summary: String {
        let warnings = diagnostics.count { !$0.isError }
        return [Self.counted(errorCount, "error"), Self.counted(warnings, "warning")]
            .compactMap(\.self).joined(separator: ", ")
    }

    private static func counted(_ count: Int, _ noun: String) -> String? {
        count == 0 ? nil : "\(count) \(noun)\(count == 1 ? "" : "s")"
    }
}

extension VMParams {
    /// The largest params file that is read, in bytes.
    package static let maximumFileSize = 1 << 20

    /// Parses a params file that includes none. Pure, and linear in the file's size; every failure is part of the result.
    ///
    /// - Parameters:
    ///   - bytes: The content. To see that a file is too large, one byte more than ``maximumFileSize`` is enough.
    ///   - file: Its absolute path, which relative paths and the default name derive from.
    package static func parse(_ bytes: [UInt8], file: FilePath) -> ParsedParams {
        parse(ParamsSource(file, bytes), including: [])
    }

    /// Parses a params file with the files that it includes, each of them by the one before.
    ///
    /// - Parameter words: what its lines are called in messages, if a command line makes them.
    package static func parse(
        _ own: ParamsSource, including included: [ParamsSource], from words: [Int: String]? = nil
    ) -> ParsedParams {
        let sources = [own] + included
        var decoder = ParamsDecoder(sources, from: words)
        var params: VMParams?
        if let (index, reason) = sources.enumerated().lazy.compactMap({ index, source in
            NoText(source.bytes).map { (index, $0) }
        }).first {
            // Nothing else about it is worth reporting.
            var fault = Fault(reason, in: sources[index].bytes)
            fault.source = index
            decoder.log.add(fault)
        } else {
            decoder.collect()
            params = decoder.decode()
        }
        let log = decoder.log
        var trial = HintTrial(sources, errors: log.errors)
        let diagnostics = log.faults.map { fault in
            let (resolved, edits) = trial.resolve(fault)
            var diagnostic = SourceText(bytes: sources[fault.source].bytes).diagnostic(resolved)
            diagnostic.edits = edits
            if fault.source > 0 { diagnostic.file = sources[fault.source].file }
            return (fault.source, diagnostic)
        }
        .sorted { ($0.0, $0.1.line, $0.1.column, $0.1.message) < ($1.0, $1.1.line, $1.1.column, $1.1.message) }
        .map(\.1)
        return ParsedParams(
            file: own.file, params: log.errors == 0 ? params : nil, diagnostics: diagnostics, errorCount: log.errors,
            unlisted: log.unlisted, hasBadData: log.hasBadData)
    }
}
