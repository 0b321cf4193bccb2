import Foundation
import SystemPackage
import Testing

@testable import VMCore
@testable import VMHost
@testable import VMLife

/// No hint leads from one refusal to the next. For every file with a fault: each change that a hint offers leaves no
/// error on the lines that it writes, and fewer errors in the file; and each value that a hint names as valid is valid
/// on that line.
@Suite struct HintTests {
    private static let file = FilePath("/vms/1/vm.params")

    private func parse(_ bytes: [UInt8]) -> ParsedParams { VMParams.parse(bytes, file: Self.file) }

    private func bytes(_ name: String) throws -> [UInt8] {
        let path = ParamsGoldenTests.folder.appending("\(name).params")
        return Array(try Data(contentsOf: URL(filePath: path.string)))
    }

    @Test(arguments: ParamsGoldenTests.names)
    func isAcceptedItself(_ name: String) throws {
        let bytes = try bytes(name)
        let before = parse(bytes)
        for diagnostic in before.diagnostics where diagnostic.isError {
            for edit in diagnostic.edits {
                let (changed, lines) = edit.applied(to: bytes)
                let after = parse(changed)
                let left = after.diagnostics.filter { $0.isError && lines.contains($0.line) }
                #expect(left.isEmpty, "\(diagnostic.hint ?? ""): \(after.shown)")
                #expect(after.errorCount < before.errorCount, "\(diagnostic.hint ?? ""): \(after.shown)")
            }
            for example in diagnostic.examples {
                let key = try #require(written(on: diagnostic.line, bytes))
                let (changed, lines) = LineEdit.replace(line: diagnostic.line, by: [ParamsLine(key, example)])
                    .applied(to: bytes)
                let left = parse(changed).diagnostics.filter { $0.isError && lines.contains($0.line) }
                #expect(left.isEmpty, "\(key)=\(example)")
            }
        }
    }

    /// The key that a line has.
    private func written(on line: Int, _ bytes: [UInt8]) -> String? {
        let text = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)[line - 1]
        return text.firstIndex(of: UInt8(ascii: "=")).map { String(decoding: text[..<$0], as: UTF8.self) }
    }

    /// The faults for which a person has to know what was meant: all others have a hint that can be tried.
    @Test func onlyTheseAreLeftToAPerson() throws {
        let left = try ParamsGoldenTests.names.filter { name in
            try parse(bytes(name)).diagnostics.contains { $0.isError && $0.edits.isEmpty && $0.examples.isEmpty }
        }
        #expect(left == Self.leftToAPerson)
    }

    private static let leftToAPerson = [
        "003-ini-section", "007-empty-key", "008-key-with-dash", "009-key-plus-equals", "012-unknown-key-far",
        "022-space-and-no-plain-value", "023-semicolon", "026-variable-in-double-quotes", "027-command",
        "028-backticks", "031-control-character", "032-latin-1", "033-nul-byte", "034-utf-16", "035-carriage-return",
        "038-long-line", "054-memory-fraction-of-a-byte", "074-kernel-directory", "076-disk-url",
        "077-disk-path-too-long", "082-disk-size-not-sectors", "092-disk-serial-long", "093-disk-serial-unprintable",
        "101-net-bridge-name-too-long", "120-tap-name", "124-bridge-name", "131-forward-port", "132-forward-port-zero",
        "133-forward-twice", "141-share", "147-runas-three-parts", "148-runas-characters", "151-qemu-with-arguments",
        "152-qemuarg-two-in-one", "154-no-params-file", "155-net-isolated-name", "156-net-isolated-name-too-long",
        "157-net-macvtap-name", "161-net-vlan-twice", "175-net-filter-group-address", "176-net-filter-twice",
        "180-forward-on-own-vnc", "191-cpuset-range", "194-tags-characters",
    ]

    /// What people write who are used to other tools, and what they are told to write instead.
    @Test(arguments: [
        ("memory = 2048", "MEMORY=2048"), ("memory=2048", "MEMORY=2048"), ("memory: 2048", "MEMORY=2048"),
        ("MEMORY=2048 M", "MEMORY=2048M"), ("MEMORY='2048 M'", "MEMORY=2048M"), ("MEMORY = 2 GiB", "MEMORY=2GiB"),
        ("memory=512MB", nil), ("MEMORY=512MB", "MEMORY=512M"), ("cores=2", "CPUS=2"), ("vcpus: 4", "CPUS=4"),
        ("NAME=web server", "NAME=web-server"), ("NAME='web server'", "NAME=web-server"), ("name = web", "NAME=web"),
        ("disk0_name=d.img", "DISK0=d.img"), ("disk=d.img", "DISK0=d.img"), ("DISK00=d.img", "DISK0=d.img"),
        ("disk0: my disk.img", "DISK0='my disk.img'"), ("DISK0=$(reboot).img", "DISK0='$(reboot).img'"),
        ("CDROM=a.iso", "CDROM0=a.iso"), ("net0=br0", nil), ("NET0=br0", "NET0=bridge:br0"), ("NIC=user", "NET0=user"),
        ("NET0=bridge br0", nil), ("ACCEL=KVM", "ACCEL=kvm"), ("VNCDISP=127.0.0.1:3", "VNCDISP=3"),
        ("BOOT=disk, cdrom", nil), ("MAC=53:54:00:00:00:01", "MAC=52:54:00:00:00:01"),
        ("export MEMORY = 512", "MEMORY=512"),
        ("MEMORY=512; CPUS=2", nil), ("APPEND=quiet splash", nil), ("KERNEL=my kernel", "KERNEL='my kernel'"),
    ])
    func peopleFromElsewhere(_ line: String, _ wanted: String?) throws {
        let diagnostic = try #require(parse(Array("NET1=none\n\(line)\n".utf8)).diagnostics.first)
        let offered = diagnostic.edits.first.map { edit -> String in
            guard case .replace(_, let lines) = edit else { return "" }
            return lines.map(\.description).joined(separator: "\n")
        }
        #expect(offered == wanted, "\(diagnostic.hint ?? "")")
        if let wanted { #expect(diagnostic.hint?.contains(wanted.split(separator: "=", maxSplits: 1)[1]) == true) }
        // If no single line is right, the hint says everything that is wrong with this one.
        if wanted == nil { #expect(diagnostic.hint?.isEmpty == false) }
    }
}
