import Foundation
import Testing
import VMCore

/// Archives, as they are made for guests and as guests send them.
@Suite struct TarTests {
    private func read(_ bytes: [UInt8], by step: Int = 512) throws -> [TarReader.Event] {
        var reader = TarReader()
        var events: [TarReader.Event] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            try reader.take(Array(rest.prefix(step)), { (event) throws(TarReader.Failure) in events.append(event) }) {
                $0
            }
            rest = rest.dropFirst(step)
        }
        #expect(reader.isBetween)
        return events
    }

    private func entry(_ path: String, mode: UInt32, modified: Int64 = 1_700_000_000, size: Int64 = 0) -> FileEntry {
        FileEntry(path: Array(path.utf8), mode: mode, modified: modified, size: size, allocated: size)
    }

    private let regular: UInt32 = 0o100_644

    @Test(arguments: [1, 7, 511, 512, 513, 100_000]) func whatIsWrittenIsRead(step: Int) throws {
        let content = Array("hello".utf8)
        let long = String(repeating: "d/", count: 80) + String(repeating: "n", count: 255)
        let bytes =
            TarWriter.header(of: entry("dir", mode: 0o040_750))
            + TarWriter.header(of: entry("file", mode: 0o104_711, size: 5))
            + content + TarWriter.padding(after: 5) + TarWriter.header(of: entry("empty", mode: regular, modified: -1))
            + TarWriter.header(of: entry(long, mode: regular))
            + TarWriter.header(of: entry("link", mode: 0o120_777), target: Array(long.utf8)) + TarWriter.end
        func found(
            _ path: String, _ kind: TarReader.Entry.Kind, _ permissions: UInt32, _ modified: Int64 = 1_700_000_000
        )
            -> TarReader.Event
        {
            .entry(.init(path: Array(path.utf8), kind: kind, permissions: permissions, modified: modified))
        }
        // A content may come in pieces.
        let events = try read(bytes, by: step)
        let data = events.reduce(into: [UInt8]()) { if case .data(let bytes, _) = $1 { $0 += bytes } }
        #expect(data == content)
        let rest = events.filter { if case .data = $0 { false } else { true } }
        #expect(
            rest == [
                found("dir", .directory, 0o750), found("file", .regular(size: 5), 0o711), .end,
                found("empty", .regular(size: 0), 0o644, -1), .end, found(long, .regular(size: 0), 0o644), .end,
                found("link", .link(target: Array(long.utf8)), 0o777),
            ])
    }

    @Test func sizesBeyondOctalDigits() throws {
        var reader = TarReader()
        var sizes: [Int64] = []
        for size in [0o77_777_777_777, 0o100_000_000_000, 1 << 50] as [Int64] {
            let header = TarWriter.header(of: entry("f", mode: regular, size: size))
            reader = TarReader()
            try reader.take(
                header,
                { (event) throws(TarReader.Failure) in
                    if case .entry(let entry) = event, case .regular(let size) = entry.kind { sizes.append(size) }
                }
            ) { $0 }
        }
        #expect(sizes == [0o77_777_777_777, 0o100_000_000_000, 1 << 50])
    }

    /// A header with something else in it, and the right checksum.
    private func header(_ change: (inout [UInt8]) -> Void) -> [UInt8] {
        var header = TarWriter.header(of: entry("f", mode: regular))
        change(&header)
        header.replaceSubrange(148..<156, with: Array("        ".utf8))
        let sum = String(header.reduce(0) { $0 + Int($1) }, radix: 8)
        header.replaceSubrange(
            148..<156, with: Array((String(repeating: "0", count: 6 - sum.utf8.count) + sum).utf8) + [0, 0x20])
        return header
    }

    private func put(_ text: String, _ place: Int, in header: inout [UInt8]) {
        header.replaceSubrange(place..<(place + text.utf8.count), with: text.utf8)
    }

    @Test func whatIsNoArchiveIsRefused() {
        let faults: [[UInt8]] = [
            Array(repeating: UInt8(ascii: "x"), count: 512),
            header { put("9", 124, in: &$0) },
            header { $0.replaceSubrange(124..<136, with: [0xff] + Array(repeating: 0xff, count: 11)) },
            header { $0.replaceSubrange(124..<136, with: [0x80] + Array(repeating: 0x7f, count: 11)) },
            header {
                put("L", 156, in: &$0); put("77777777777", 124, in: &$0)
            },
            header { put("L", 156, in: &$0) },
            // Maps of holes: overlapping, larger than the file, not what is stored.
            header {
                put("S", 156, in: &$0); put("00000001000\0", 483, in: &$0);
                put("00000000000\000000000200\000000000100\0", 386, in: &$0)
            },
            header {
                put("S", 156, in: &$0); put("00000000001\0", 483, in: &$0);
                put("00000000000\000000000200\0", 386, in: &$0)
            },
            header {
                put("S", 156, in: &$0); put("00000001000\0", 483, in: &$0);
                put("00000000000\000000000200\0", 386, in: &$0)
            },
        ]
        for (number, bytes) in faults.enumerated() {
            #expect(throws: TarReader.Failure.self, "\(number)") { try read(bytes) }
        }
    }

    @Test func paxRecordsCount() throws {
        func record(_ key: String, _ value: String) -> String {
            let rest = " \(key)=\(value)\n"
            var length = rest.utf8.count + 1
            while String(length).utf8.count + rest.utf8.count != length { length += 1 }
            return "\(length)\(rest)"
        }
        let text = Array((record("path", "./ä/long") + record("mtime", "12.75") + record("comment", "x")).utf8)
        let bytes =
            header {
                put("x", 156, in: &$0); put(String(text.count, radix: 8) + "\0", 124 + 6, in: &$0);
                for i in 124..<130 { $0[i] = 0x30 }
            }
            + text + TarWriter.padding(after: Int64(text.count)) + header { _ in } + header { _ in }
        let events = try read(bytes)
        #expect(
            events == [
                .entry(.init(path: Array("ä/long".utf8), kind: .regular(size: 0), permissions: 0o644, modified: 12)),
                .end,
                .entry(
                    .init(path: Array("f".utf8), kind: .regular(size: 0), permissions: 0o644, modified: 1_700_000_000)),
                .end,
            ])
    }
}

/// The answers of a guest, and what is asked.
@Suite struct CopyTests {
    @Test func operands() throws {
        #expect(try CopyOperand("web:/etc") == .guest(vm: "web", path: "/etc"))
        #expect(try CopyOperand("web:") == .guest(vm: "web", path: ""))
        #expect(try CopyOperand("./web:x") == .host("./web:x"))
        #expect(try CopyOperand("/a:b") == .host("/a:b"))
        #expect(try CopyOperand("a") == .host("a"))
        for text in ["", ":x", "-"] { #expect(throws: VMError.self) { try CopyOperand(text) } }
        for (path, name) in [("a/b/", "b"), ("a", "a"), ("/", ""), (".", ""), ("a/.", ""), ("..", ""), ("a/..", "")] {
            #expect(CopyOperand.name(of: path) == Array(name.utf8), "\(path)")
        }
    }

    @Test func surveys() {
        let text = "tar gnu\nd\nb\n41ed 1 0 0\n81a4 -5 6 8\n\n.\0./a\nb\0b\n81a4 1 2 3\n\n./c\0.\n-\n.\n"
        let survey = Survey(Array(text.utf8))
        #expect(survey?.hasGNUTar == true)
        #expect(survey?.places.map(\.kind) == [.directory, .missing])
        #expect(survey?.places.first?.entries.map { String(decoding: $0.path, as: UTF8.self) } == ["", "a\nb", "c"])
        #expect(survey?.places.first?.entries[1].modified == -5)
        let huge = FileEntry(path: [], mode: 0o100_644, modified: 0, size: .max, allocated: .max)
        #expect([huge, huge].contentSize == .max && [huge, huge].allocatedSize == .max)
        let proc = Survey(Array("tar other\nf 9fa0\nb\n8124 1 0 0\n\n./\0.\n".utf8))
        #expect(proc?.places.first?.pseudoFileSystem == "proc" && proc?.hasGNUTar == false)
        #expect(survey?.places.first?.entries[2].allocated == 1536)
        let root = Survey(Array("tar gnu\nd\np\nproc ./a/proc\0b\n41ed 1 0 0\n\n.\0.\n".utf8))
        #expect(root?.places.first?.leftOut.map(\.path) == [Array("a/proc".utf8)])
        for lie in [
            "tar gnu\nd\np\nproc ../x\0.\n", "tar gnu\nd\np\next4 ./x\0.\n", "tar gnu\nd\np\nproc", "", "tar\n",
            "tar gnu\nd\nb\n41ed 1 9223372036854775807 0\n\n./x\0.\n",
            "tar gnu\nd\nb\n41ed 1 0 9223372036854775807\n\n./x\0.\n", "tar gnu\nz\n", "tar gnu\nd\nx\n",
            "tar gnu\nd\nb\n41ed 1 0 0\n\n../x\0.\n",
            "tar gnu\nd\nb\n41ed 1 0 0\n\n/x\0.\n",
            "tar gnu\nd\nb\n41ed 1 -1 0\n\n./x\0.\n", "tar gnu\nd\nb\n41ed 1 0 0\n\n./a/../../x\0.\n",
            "tar gnu\nd\nb\n41ed 1 0 0\n\n./x",
        ] { #expect(Survey(Array(lie.utf8)) == nil, "\(lie)") }
    }

    /// GNU's tar would make a tab of `\t` in a name that it is given.
    @Test(arguments: ["", "ln -s $(command -v busybox) bin/tar"]) func backslashesAreSent(_ preparation: String) throws
    {
        let folder = FileManager.default.temporaryDirectory.appending(path: "kvmctl-tar-\(Foundation.UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let (file, output) = (folder.appending(path: "script"), folder.appending(path: "said"))
        let script = ShellCommand.singleQuoted(CopyScript.sendArchive)
        try Data(
            #"""
            cd \#(folder.path()); mkdir from to bin; \#(preparation)
            for name in 'a\tb' 'o\101' 'p\\q' 'end\'; do printf %s "$name" >"from/$name"; done
            (cd from; find . -type f -print0) | PATH=$PWD/bin:$PATH sh -c \#(script) kvmctl "$PWD/from" "" 2>/dev/null |
                tar -x -C to -f -
            diff -r from to && ls to
            """#.utf8
        ).write(to: file)
        try #require(runShell(file.path(), output: output.path()) == 0)
        #expect(try String(decoding: Data(contentsOf: output), as: UTF8.self).split(separator: "\n").count == 4)
    }

    @Test func pathsStayBelow() {
        for path in ["a", "a/b", "...", "a/..b", ""] { #expect(BytePath.isBelow(Array(path.utf8)), "\(path)") }
        for path in ["/a", "..", "a/..", "../a", "./a", "a/./b", "a\0b"] {
            #expect(!BytePath.isBelow(Array(path.utf8)), "\(path)")
        }
        #expect(CopyScript.argument([0xff, 0x0a, 0x61]) == #"\0377\012a"#)
    }
}
