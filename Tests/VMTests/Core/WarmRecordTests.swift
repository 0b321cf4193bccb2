import SystemPackage
import Testing

@testable import VMCore

@Suite struct WarmRecordTests {
    private static let stamp = FileStamp(
        FileIdentity(device: 7, inode: UInt64.max), size: 512, modified: 1_700_000_000_123_456_789, changed: 2)

    private func record(_ params: String = "", memory: String = "MEMORY=256", stamp: FileStamp? = stamp) throws
        -> WarmRecord
    {
        let text =
            "NAME=web\nUUID=c4a6ce6f-4113-4c64-9149-82f512799d7b\nDISK0=/vms/1/vdisk0\nNET0=none\n\(memory)\n\(params)"
        let params = try #require(VMParams.parse(Array(text.utf8), file: "/vms/web/vm.params").params)
        var options = StartOptions(discardsWrites: true)
        options.warm = WarmStart(try #require(VMName("web-1")), in: "/cache/web-1")
        let plan = try LaunchPlan(params, options: options, facts: Host.kvm.facts)
        return try WarmRecord(
            plan, model: "web", version: "1", conditions: [.agent],
            processor: HostProcessor(model: "chip", flags: ["sse"])
        ) { _ in stamp }
    }

    @Test func survivesItsFile() throws {
        let one = try record()
        #expect(WarmRecord(parsing: Array(one.text.utf8)) == one)
        #expect(one.changes(to: one).isEmpty)
        let gone = try record(stamp: nil)
        #expect(WarmRecord(parsing: Array(gone.text.utf8)) == gone)
        #expect(WarmRecord(parsing: Array("{}".utf8)) == nil)
    }

    @Test func saysWhatHasChanged() throws {
        let one = try record()
        #expect(
            one.changes(to: try record(memory: "MEMORY=512")) == ["MEMORY was -m size=256M and is now -m size=512M"])
        var other = Self.stamp
        other.modified += 1
        #expect(one.changes(to: try record(stamp: other)).contains("/vms/1/vdisk0 was written to"))
        other = Self.stamp
        other.changed += 1
        #expect(one.changes(to: try record(stamp: other)).contains("/vms/1/vdisk0 was changed"))
        other.identity.inode = 1
        #expect(one.changes(to: try record(stamp: other)).contains("/vms/1/vdisk0 is another file"))
        #expect(one.changes(to: try record(stamp: nil)).contains("/vms/1/vdisk0 is no longer there"))
        #expect(
            one.changes(to: try record("RTC=localtime")) == ["RTC was -rtc base=utc and is now -rtc base=localtime"])
    }

    @Test func saysWhatHasBecomeOfTheImage() throws {
        var one = try record()
        one.content = ["machine": Self.stamp, "disk0.qcow2": Self.stamp]
        #expect(WarmRecord(parsing: Array(one.text.utf8)) == one)
        #expect(one.damages(one.content).isEmpty)
        var other = Self.stamp
        other.modified += 1
        #expect(
            one.damages(["machine": other])
                == ["its file disk0.qcow2 is no longer there", "its file machine was written to"])
    }

    /// A run has another name and UUID each time.
    @Test func nothingOfARunIsInIt() throws {
        let facts = try record().facts
        #expect(!facts.contains { $0.value.contains("c4a6ce6f") || $0.name == "UUID" })
    }
}
