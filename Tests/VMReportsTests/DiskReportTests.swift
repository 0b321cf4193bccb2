import SystemPackage
import Testing

@testable import VMCore
@testable import VMLife
@testable import VMReports

@Suite struct DiskReportTests {
    /// A raw disk with a hole, of a VM.
    private func disk() throws -> DiskLook {
        var image = DiskLayer(.disk, "/vms/web/vdisk0", format: "raw")
        var found = DiskLayer.Found(FileIdentity(device: 1, inode: 2))
        (found.apparent, found.allocated) = (ByteCount(bytes: 8 << 30), ByteCount(bytes: 3 << 20))
        (found.content, found.locks) = (.raw, [])
        image.found = found
        return DiskLook(
            vm: try Sample.name, device: "DISK0", path: "/vms/web/vdisk0", declared: .raw, chain: [image])
    }

    @Test func aTableIsAligned() throws {
        var missing = try disk()
        missing.chain = [DiskLayer(.disk, "/vms/web/later")]
        (missing.device, missing.path, missing.declared) = ("DISK1", "/vms/web/later", nil)
        let report = DiskListReport([try disk(), missing], failures: VMResults(.disk))
        #expect(
            report.rendered(as: .text) == """
                VM   DISK   FORMAT  SIZE  ON DISK  PATH             STANDS ON
                web  DISK0  raw     8G    3M       /vms/web/vdisk0  -
                web  DISK1  -       -     missing  /vms/web/later   -

                """)
        #expect(DiskListReport([], failures: VMResults(.disk)).rendered(as: .json) == "[]\n")
    }

    @Test func aVMThatFailedIsInTheDocument() throws {
        let failures = VMResults(.disk)
        failures.turn(to: 1)
        failures.fail("nope", Sample.error)
        guard case .array(let all) = DiskListReport([try disk()], failures: failures).content else { return }
        #expect(all.map { $0["name"]?.string } == ["web", "nope"] && all[1]["error"] != nil)
    }

    /// What could not be looked at is not missing.
    @Test func unseenIsNotMissing() throws {
        var look = try disk()
        var unseen = DiskLayer(.backing, "/images/base")
        unseen.obstacle = Sample.error
        look.chain += [unseen, DiskLayer(.backing, "/images/gone")]
        let text = DiskReport(look).rendered(as: .text)
        #expect(text.contains("stands on  /images/base (could not be looked at)\n"))
        #expect(text.contains("stands on  /images/gone (missing)\n"))
        let chain = try #require(DiskReport(look).members["chain"]?.array)
        #expect(chain.map { $0["exists"] } == [.null, .bool(false)])
        #expect(DiskReport(look).members["unseen"] == .array([.string(Sample.error.summary)]))
    }

    @Test func aDiskThatNobodyHas() throws {
        var look = try disk()
        look.users = DiskLook.Users()
        #expect(DiskReport(look).rendered(as: .text).hasSuffix("\nused by  no VM that is known\n"))
        look.users?.obstacle = Sample.error
        #expect(DiskReport(look).rendered(as: .text).contains("perhaps others"))
        look.users = DiskLook.Users()
        look.chain[0].found?.locks = [.writes]
        #expect(DiskReport(look).rendered(as: .text).contains("open in  another process"))
    }

    @Test func aRawDiskIsNotChecked() throws {
        let disk = CheckedDisk(vm: try Sample.name, device: "DISK0", path: "/vms/web/vdisk0", format: .raw)
        let report = DiskCheckReport(disk, dryRun: false)
        #expect(report.rendered(as: .text) == "web: DISK0: raw, which has no structure that could be checked\n")
        #expect(report.members["checked"] == .bool(false) && report.members["damaged"] == .null)
        #expect(disk.damage == nil)
    }

    @Test func aDamagedDiskIsAFault() throws {
        var disk = try Sample.checkedDisk("x")
        #expect(disk.damage?.code == .badData && disk.damage?.details == ["ERROR x"])
        #expect(disk.damage?.remedy?.description.contains("--repair") == true)
        disk.isRepaired = true
        #expect(disk.damage?.remedy?.description.contains("--repair") == false)
        let report = DiskCheckReport(disk, dryRun: false)
        #expect(
            report.rendered(as: .text) == "web: DISK0: 2 errors, 1 cluster takes space that nothing uses\n")
    }
}
