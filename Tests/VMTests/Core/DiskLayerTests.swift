import SystemPackage
import Testing

@testable import VMCore

@Suite struct DiskLayerTests {
    private func layer(_ header: QCOW2Header?, format: String = "qcow2") -> DiskLayer {
        var layer = DiskLayer(.disk, "/vms/a/disk", format: format)
        var found = DiskLayer.Found(FileIdentity(device: 1, inode: 2))
        found.header = header
        layer.found = found
        return layer
    }

    private func header(backing: QCOW2Header.Part? = nil, _ format: String? = nil, data: QCOW2Header.Part? = nil) throws
        -> QCOW2Header
    {
        var header = try #require(QCOW2Header([0x51, 0x46, 0x49, 0xfb, 0, 0, 0, 3]))
        (header.backing, header.backingFormat, header.data) = (backing, format, data)
        return header
    }

    @Test func namesWhatItStandsOn() throws {
        let next = layer(try header(backing: .named("../b/base"), "raw")).named(at: "/vms/a/disk")
        #expect(next == DiskLayer(.backing, "/vms/b/base", format: "raw"))
        #expect(layer(try header()).named(at: "/vms/a/disk") == nil)
        let data = layer(try header(data: .named("raw"))).named(at: "/vms/a/disk")
        #expect(data == DiskLayer(.data, "/vms/a/raw", format: "raw"))
    }

    /// A raw disk stands on nothing, whatever its guest wrote to it.
    @Test func aRawDiskNamesNothing() throws {
        #expect(layer(try header(backing: .named("/etc/shadow")), format: "raw").named(at: "/vms/a/disk") == nil)
    }

    @Test func aNameThatIsNoFile() throws {
        let far = try #require(layer(try header(backing: .named("nbd://host/x"))).named(at: "/vms/a/disk"))
        #expect(!far.isFile && !far.isMissing && far.name == "nbd://host/x")
        let odd = try #require(layer(try header(backing: .unreadable)).named(at: "/vms/a/disk"))
        #expect(!odd.isFile && !odd.isMissing)
    }

    @Test(
        arguments: [
            (DiskFormat.raw, ImageContent.qcow2(outside: nil), nil), (.raw, .other("vmdk"), nil),
            (.qcow2, .qcow2(outside: "x"), nil), (nil, .raw, nil),
            (nil, .other("vmdk"), "looks like a vmdk image, which a guest can fake: its format has to be set"),
            (.qcow2, .raw, "is not a qcow2 image"), (.qcow2, .other("qed"), "is not a qcow2 image"),
        ] as [(DiskFormat?, ImageContent, String?)])
    func objectsToAnotherFormat(_ declared: DiskFormat?, _ content: ImageContent, _ words: String?) {
        #expect(content.objection(to: declared) == words)
    }
}
