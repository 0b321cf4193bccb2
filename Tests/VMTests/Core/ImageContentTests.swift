import Testing

@testable import VMCore
@testable import VMHost

@Suite struct ImageContentTests {
    @Test(arguments: [
        ("KDMV", 0, "vmdk"), ("# Disk DescriptorFile", 0, "vmdk"), ("conectix", 0, "vpc"), ("vhdxfile", 0, "vhdx"),
        ("QED\0", 0, "qed"), ("WithoutFreeSpace", 0, "parallels"), ("KDMV", 512, "raw"), ("", 0, "raw"),
    ])
    func knowsFormatsByTheirMagic(_ magic: String, _ offset: Int, _ name: String) {
        let header = [UInt8](repeating: 0, count: offset) + magic.utf8 + [UInt8](repeating: 0, count: 64)
        #expect(ImageContent(header: header).name == name)
    }

    @Test func knowsVDI() {
        #expect(ImageContent(header: [UInt8](repeating: 0, count: 64) + [0x7f, 0x10, 0xda, 0xbe]) == .other("vdi"))
    }

    /// A qcow2 header of version 3 (QEMU, docs/interop/qcow2), and what follows it.
    private func qcow2(backingAt offset: UInt8 = 0, length: UInt8 = 0, incompatible: UInt8 = 0, _ rest: String = "")
        -> [UInt8]
    {
        var header: [UInt8] = [0x51, 0x46, 0x49, 0xfb, 0, 0, 0, 3]
        header += [0, 0, 0, 0, 0, 0, 0, offset, 0, 0, 0, length]
        header += [UInt8](repeating: 0, count: 72 - header.count)
        header += [0, 0, 0, 0, 0, 0, 0, incompatible]
        header += [UInt8](repeating: 0, count: 104 - header.count)
        return header + rest.utf8
    }

    @Test func readsWhatAQcow2HeaderNames() {
        #expect(ImageContent(header: qcow2()) == .qcow2(outside: nil))
        #expect(ImageContent(header: qcow2(backingAt: 104, length: 9, "/b.qcow2x")) == .qcow2(outside: "/b.qcow2x"))
        #expect(ImageContent(header: qcow2(backingAt: 104, length: 99, "/b")) == .qcow2(outside: "its backing file"))
        #expect(ImageContent(header: qcow2(incompatible: 4)) == .qcow2(outside: "its data file"))
    }

    @Test func anyBeginningIsSomething() {
        let whole = qcow2(backingAt: 104, length: 9, "/b.qcow2x")
        for count in 0...whole.count { _ = ImageContent(header: Array(whole[..<count])) }
        _ = ImageContent(header: [0x51, 0x46, 0x49, 0xfb] + [UInt8](repeating: 0xff, count: 200))
    }
}
