import SystemPackage
import Testing

@testable import VMCore
@testable import VMHost

@Suite struct ImageReferenceTests {
    /// As QEMU reads them (block.c, path_has_protocol and bdrv_get_full_backing_filename).
    @Test(arguments: [
        ("base", ["/vms/a/base"]), ("../b/base", ["/vms/a/../b/base"]), ("/vms/b/base", ["/vms/b/base"]),
        ("file:base", ["/vms/a/base"]), ("file:///vms/b/base", ["/vms/b/base"]), ("./a:b", ["/vms/a/./a:b"]),
        ("nbd://host/base", []), ("nbd:unix:/run/x", []), ("json:{", []),
        ("json:{\"driver\":\"raw\",\"file\":{\"driver\":\"file\",\"filename\":\"/b\"}}", ["/b"]),
        ("json:{\"file.filename\":\"b\",\"file.driver\":\"file\"}", ["/vms/a/b"]),
    ])
    func namesFiles(_ name: String, _ expected: [String]) {
        #expect(ImageReference.files(name, in: "/vms/a/disk").map(\.string) == expected)
    }

    @Test func deepJSONNamesNothing() {
        let deep = String(repeating: "{\"a\":", count: 5000) + "1" + String(repeating: "}", count: 5000)
        #expect(ImageReference.files("json:" + deep, in: "/vms/a/disk").isEmpty)
    }
}

@Suite struct QCOW2HeaderTests {
    /// A header of version 3 with an extension: its type, its text.
    private func header(_ type: [UInt8], _ text: String, length: UInt8? = nil) -> [UInt8] {
        var bytes: [UInt8] = [0x51, 0x46, 0x49, 0xfb, 0, 0, 0, 3]
        bytes += [UInt8](repeating: 0, count: 72 - bytes.count) + [0, 0, 0, 0, 0, 0, 0, 4]
        bytes += [UInt8](repeating: 0, count: 100 - bytes.count) + [0, 0, 0, 104]
        // An extension that is skipped, with its padding.
        bytes += [0xe2, 0x79, 0x2a, 0xca, 0, 0, 0, 5] + Array("qcow2".utf8) + [0, 0, 0]
        bytes += type + [0, 0, 0, length ?? UInt8(text.utf8.count)] + Array(text.utf8)
        return bytes + [UInt8](repeating: 0, count: 16)
    }

    @Test func namesItsDataFile() throws {
        let data: [UInt8] = [0x44, 0x41, 0x54, 0x41]
        #expect(try #require(QCOW2Header(header(data, "raw.img"))).data == .named("raw.img"))
        #expect(try #require(QCOW2Header(header(data, "raw.img", length: 255))).data == .unreadable)
        #expect(try #require(QCOW2Header(header([0, 0, 0, 0], "raw.img"))).data == .unreadable)
    }

    /// Of either version: that of 2 has no length of its header.
    @Test func tellsTheBackingFilesFormat() throws {
        let type: [UInt8] = [0xe2, 0x79, 0x2a, 0xca, 0, 0, 0, 3] + Array("raw".utf8) + [0, 0, 0, 0, 0]
        for (version, length) in [(2, 72), (3, 104)] as [(UInt8, Int)] {
            var bytes: [UInt8] = [0x51, 0x46, 0x49, 0xfb, 0, 0, 0, version] + [UInt8](repeating: 0, count: length - 8)
            if version == 3 { bytes[103] = UInt8(length) }
            bytes += type
            (bytes[15], bytes[19]) = (UInt8(bytes.count), 4)
            let header = try #require(QCOW2Header(bytes + Array("base".utf8)))
            #expect(header.backing == .named("base") && header.backingFormat == "raw")
        }
    }

    @Test func anyBytesAreReadWithoutATrap() {
        var generator = SystemRandomNumberGenerator()
        let whole = header([0x44, 0x41, 0x54, 0x41], "raw.img")
        for _ in 0..<20_000 {
            var bytes = whole
            for _ in 0..<4 {
                bytes[Int.random(in: 8..<bytes.count, using: &generator)] = [0, 1, 0x7f, 0xff].randomElement() ?? 0
            }
            _ = QCOW2Header(Array(bytes.prefix(Int.random(in: 0...bytes.count, using: &generator))))
        }
    }
}

@Suite struct BlockDeviceTests {
    @Test(arguments: ["8:1", "259:0", "7:300", "4095:1048575"])
    func numbersGoThereAndBack(_ text: String) throws {
        #expect(try #require(BlockDevice(text)).text == text)
    }
}
