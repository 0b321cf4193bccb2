/// Takes an archive apart, as its bytes come. It is a guest's: whatever is in it, this keeps little and goes on or refuses.
package struct TarReader {
    /// A piece of the archive.
    package enum Event: Equatable, Sendable {
        /// A file begins.
        case entry(Entry)
        /// A part of its content, and where it belongs.
        case data([UInt8], offset: Int64)
        /// It ends; only one that is regular.
        case end
    }

    /// A file of the archive.
    package struct Entry: Equatable, Sendable {
        package enum Kind: Equatable, Sendable {
            /// With its size, holes included.
            case regular(size: Int64)
            case directory
            case link(target: [UInt8])
            /// Another name of a file that came before.
            case hardLink(to: [UInt8])
            case special
        }

        /// As it is written there, without `./` before it and `/` after it.
        package var path: [UInt8]
        package var kind: Kind
        package var permissions: UInt32
        package var modified: Int64

        package init(path: [UInt8], kind: Kind, permissions: UInt32, modified: Int64) {
            (self.path, self.kind, self.permissions, self.modified) = (path, kind, permissions, modified)
        }
    }

    /// Why it is no archive, or none that is wanted.
    package struct Failure: Error, Equatable {
        package let cause: String
    }

    /// A piece of a file with holes: where it belongs, and its length.
    private struct Piece {
        var offset: Int64
        var length: Int64
    }

    private enum State {
        case header
        /// The content of a file, in pieces.
        case content([Piece])
        /// A long name or target, or pax records, with the type of their header.
        case text(UInt8, left: Int64)
        /// Further blocks of the map of a file with holes.
        case map
        case skip(Int64)
    }

    private var state = State.header
    private var pending: [UInt8] = []
    /// What fills up the last block.
    private var padding = 0
    /// What was told of the next file before its header.
    private var longName: [UInt8]?
    private var longTarget: [UInt8]?
    private var pax: [[UInt8]: [UInt8]] = [:]
    private var text: [UInt8] = []
    private var current: Entry?
    private var pieces: [Piece] = []
    private var stored: Int64 = 0

    /// The longest name, target or record (PATH_MAX is 4096), and the most pieces of a file.
    private static let longest: Int64 = 64 << 10
    private static let mostPieces = 1 << 20

    package init() {}

    /// Whether it is between two files, as it is at the end.
    package var isBetween: Bool {
        if case .header = state { return pending.isEmpty && padding == 0 }
        return false
    }

    /// Takes the next bytes.
    package mutating func take<E: Error>(
        _ bytes: [UInt8], _ emit: (Event) throws(E) -> Void, failed: (Failure) -> E
    ) throws(E) {
        var rest = bytes[...]
        while !rest.isEmpty {
            if padding > 0 {
                let count = min(padding, rest.count)
                padding -= count
                rest.removeFirst(count)
                continue
            }
            switch state {
            case .header, .map: try takeBlock(&rest, emit, failed)
            case .content: try takeContent(&rest, emit)
            case .text(let type, let left): try takeText(&rest, type, left, failed)
            case .skip(let left):
                let count = min(Int(clamping: left), rest.count)
                rest.removeFirst(count)
                state = left > Int64(count) ? .skip(left - Int64(count)) : .header
            }
        }
    }

    private mutating func takeBlock<E: Error>(
        _ rest: inout ArraySlice<UInt8>, _ emit: (Event) throws(E) -> Void, _ failed: (Failure) -> E
    ) throws(E) {
        let count = min(TarFormat.block - pending.count, rest.count)
        pending += rest.prefix(count)
        rest.removeFirst(count)
        guard pending.count == TarFormat.block else { return }
        let block = pending
        pending = []
        do throws(Failure) {
            if case .map = state {
                try read(TarFormat.furtherPieces, of: block)
                if block[TarFormat.furtherGoOn] == 0 { try finishMap() }
            } else {
                // Zeros end an archive; another may follow.
                guard block.contains(where: { $0 != 0 }) else { return }
                try readHeader(block)
            }
        } catch { throw failed(error) }
        if case .content = state, let current { try begin(current, emit) }
        if case .skip = state, let current { try begin(current, emit) }
    }

    /// Tells of a file whose header is complete.
    private mutating func begin<E: Error>(_ entry: Entry, _ emit: (Event) throws(E) -> Void) throws(E) {
        try emit(.entry(entry))
        current = nil
        if case .content(let pieces) = state, pieces.isEmpty {
            try emit(.end)
            state = .header
        }
        if case .skip(0) = state { state = .header }
    }

    private mutating func takeContent<E: Error>(
        _ rest: inout ArraySlice<UInt8>, _ emit: (Event) throws(E) -> Void
    ) throws(E) {
        guard case .content(var pieces) = state, let piece = pieces.last else { return }
        let count = min(Int(clamping: piece.length), rest.count)
        let part = Array(rest.prefix(count))
        rest.removeFirst(count)
        pieces.removeLast()
        if piece.length > Int64(count) {
            pieces.append(Piece(offset: piece.offset + Int64(count), length: piece.length - Int64(count)))
        }
        state = .content(pieces)
        try emit(.data(part, offset: piece.offset))
        guard pieces.isEmpty else { return }
        padding = Self.padding(after: stored)
        state = .header
        try emit(.end)
    }

    private mutating func takeText<E: Error>(
        _ rest: inout ArraySlice<UInt8>, _ type: UInt8, _ left: Int64, _ failed: (Failure) -> E
    ) throws(E) {
        let count = min(Int(left), rest.count)
        text += rest.prefix(count)
        rest.removeFirst(count)
        guard left == Int64(count) else {
            state = .text(type, left: left - Int64(count))
            return
        }
        padding = Self.padding(after: Int64(text.count))
        state = .header
        switch type {
        case UInt8(ascii: "L"): longName = Array(text.prefix { $0 != 0 })
        case UInt8(ascii: "K"): longTarget = Array(text.prefix { $0 != 0 })
        default:
            guard let records = Self.records(text) else { throw failed(Failure(cause: "a record of it has no length")) }
            // Its map of the holes would be taken for content.
            guard !records.keys.contains(where: { $0.starts(with: Array("GNU.sparse.".utf8)) }) else {
                throw failed(Failure(cause: "a file in it has holes in a form that is not known"))
            }
            pax.merge(records) { $1 }
        }
        text = []
    }

    private mutating func readHeader(_ block: [UInt8]) throws(Failure) {
        let header = block[...]
        guard TarFormat.number(TarFormat.checksum, of: header) == Int64(TarFormat.sum(header)) else {
            throw Failure(cause: "a header of it has a wrong checksum")
        }
        guard let size = TarFormat.number(TarFormat.size, of: header).flatMap({ paxNumber("size") ?? $0 }), size >= 0,
            let mode = TarFormat.number(TarFormat.mode, of: header),
            let modified = paxNumber("mtime") ?? TarFormat.number(TarFormat.modified, of: header)
        else { throw Failure(cause: "a header of it holds no number where one belongs") }
        let type = block[TarFormat.type]
        if let text = Self.text(type: type) {
            guard size <= Self.longest, size > 0 else { throw Failure(cause: "a name in it is too long") }
            state = .text(text, left: size)
            return
        }
        stored = size
        let target = pax[Array("linkpath".utf8)] ?? longTarget ?? TarFormat.text(TarFormat.linkTarget, of: header)
        var entry = Entry(
            path: Self.plain(pax[Array("path".utf8)] ?? longName ?? Self.name(header)), kind: .special,
            permissions: UInt32(truncatingIfNeeded: mode) & 0o777, modified: modified)
        (longName, longTarget, pieces) = (nil, nil, [])
        pax = [:]
        switch type {
        case UInt8(ascii: "5"): entry.kind = .directory
        case UInt8(ascii: "2"): (entry.kind, stored) = (.link(target: target), 0)
        case UInt8(ascii: "1"): (entry.kind, stored) = (.hardLink(to: Self.plain(target)), 0)
        case UInt8(ascii: "0"), UInt8(ascii: "7"), 0:
            entry.kind = .regular(size: size)
            current = entry
            state = .content(size > 0 ? [Piece(offset: 0, length: size)] : [])
            return
        case UInt8(ascii: "S"):
            current = entry
            return try readMap(header)
        default: break
        }
        state = .skip(stored + Int64(Self.padding(after: stored)))
        // The records of all files that follow: there is nothing in them that is wanted.
        current = type == UInt8(ascii: "g") ? nil : entry
    }

    private mutating func readMap(_ header: ArraySlice<UInt8>) throws(Failure) {
        guard let whole = TarFormat.number(TarFormat.wholeSize, of: header) else {
            throw Failure(cause: "a file in it has no size")
        }
        current?.kind = .regular(size: whole)
        try read(TarFormat.sparsePieces, of: Array(header))
        if header[header.startIndex + TarFormat.sparseGoesOn] != 0 { state = .map } else { try finishMap() }
    }

    /// Adds pieces of a file with holes.
    private mutating func read(_ field: TarFormat.Field, of block: [UInt8]) throws(Failure) {
        for start in stride(from: field.start, to: field.start + field.length, by: 24) where block[start] != 0 {
            guard let offset = TarFormat.number((start, 12), of: block[...]),
                let length = TarFormat.number((start + 12, 12), of: block[...]), offset >= 0, length >= 0,
                length <= Int64.max - offset, pieces.count < Self.mostPieces,
                pieces.last.map({ $0.offset + $0.length <= offset }) != false
            else { throw Failure(cause: "the pieces of a file in it overlap") }
            if length > 0 { pieces.append(Piece(offset: offset, length: length)) }
        }
    }

    private mutating func finishMap() throws(Failure) {
        guard case .regular(let whole)? = current?.kind, pieces.last.map({ $0.offset + $0.length <= whole }) != false,
            pieces.reduce(0, { $0 + $1.length }) == stored
        else { throw Failure(cause: "the pieces of a file in it are not as long as the file") }
        state = .content(pieces.reversed())
        pieces = []
    }

    /// For a header that only tells of the next: as what its content counts.
    private static func text(type: UInt8) -> UInt8? {
        switch type {
        case UInt8(ascii: "L"), UInt8(ascii: "K"), UInt8(ascii: "x"): type
        default: nil
        }
    }

    private static func name(_ header: ArraySlice<UInt8>) -> [UInt8] {
        let name = TarFormat.text(TarFormat.name, of: header)
        let magic = header.dropFirst(TarFormat.magic.start).prefix(TarFormat.posixMagic.count)
        guard magic.elementsEqual(TarFormat.posixMagic) else { return name }
        return BytePath.join(TarFormat.text(TarFormat.prefix, of: header), name)
    }

    private static func plain(_ path: [UInt8]) -> [UInt8] {
        let own = path.starts(with: Array("./".utf8)) ? path.dropFirst(2) : path[...]
        return Array(own.last == UInt8(ascii: "/") ? own.dropLast() : own)
    }

    private static func padding(after size: Int64) -> Int { TarWriter.padding(after: size).count }

    /// A number of a pax record; a fraction of a second is left out.
    private func paxNumber(_ key: String) -> Int64? {
        pax[Array(key.utf8)].flatMap { Int64(String(decoding: $0.prefix { $0 != UInt8(ascii: ".") }, as: UTF8.self)) }
    }

    /// `LENGTH KEY=VALUE\n`, one after the other (POSIX, pax, "pax Extended Header").
    private static func records(_ text: [UInt8]) -> [[UInt8]: [UInt8]]? {
        var records: [[UInt8]: [UInt8]] = [:]
        var rest = text[...]
        while let space = rest.firstIndex(of: UInt8(ascii: " ")) {
            guard let length = Int(String(decoding: rest[..<space], as: UTF8.self)),
                length > space - rest.startIndex + 1,
                length <= rest.count
            else { return nil }
            let record = rest[(space + 1)..<(rest.startIndex + length)].dropLast()
            rest = rest.dropFirst(length)
            guard let equals = record.firstIndex(of: UInt8(ascii: "=")) else { return nil }
            records[Array(record[..<equals])] = Array(record[(equals + 1)...])
        }
        return rest.isEmpty ? records : nil
    }
}
