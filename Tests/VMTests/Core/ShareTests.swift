import FoundationEssentials
import SystemPackage
import Testing

@testable import VMCore

/// `SHAREn`: from its text to QEMU's words and those of both servers.
@Suite struct ShareTests {
    private func parsed(_ text: String) -> ParsedParams {
        VMParams.parse(Array("NET0=none\nMEMORY=64M\n\(text)".utf8), file: "/vms/1/vm.params")
    }

    private func plan(_ text: String, _ change: (inout HostFacts) -> Void = { _ in }) throws -> LaunchPlan {
        let params = try #require(parsed(text).params)
        var facts = Host.kvm.facts
        facts.images["/srv/a"] = .unusable(.directory)
        facts.images["/vms/1/b:c"] = .unusable(.directory)
        facts.shareServer = ShareServer(path: "/usr/lib/qemu/virtiofsd", kind: .ofQEMU)
        change(&facts)
        return try LaunchPlan(params, facts: facts)
    }

    private func problem(_ text: String, _ change: (inout HostFacts) -> Void = { _ in }) -> VMError? {
        do {
            _ = try plan(text, change)
            return nil
        } catch { return (error as? PlanRefusal)?.problems.first }
    }

    @Test func pathsMayHaveColons() throws {
        let shares = try #require(parsed("SHARE3=b:c:tag:ro\nSHARE0=/srv/a:a.b-c_d\n").params).shares
        #expect(shares.map(\.index) == [0, 3])
        #expect(shares[0].directory.value == SharedDirectory(path: "/srv/a", tag: "a.b-c_d", isReadOnly: false))
        #expect(shares[1].directory.value == SharedDirectory(path: "/vms/1/b:c", tag: "tag", isReadOnly: true))
        #expect(parsed("SHARE0=/srv/:a\n").params?.shares[0].directory.value.path == "/srv")
        #expect(shares[1].directory.value.description == "/vms/1/b:c:tag:ro")
    }

    @Test(arguments: [
        "/:all", "/proc:p", "/sys/fs:s", "/dev/:d", "/srv", "/srv:ro", "/srv:", ":tag", "/srv:a b", "/srv:a,b",
        "/srv:\(String(repeating: "t", count: 37))",
    ])
    func whatIsNoShare(_ text: String) {
        #expect(parsed("SHARE0='\(text)'\n").error?.code == .badData)
    }

    @Test func nothingButReadOnlyFollowsTheTag() {
        let said = parsed("SHARE0=/srv:data:rw\n").error.map { "\($0)" } ?? ""
        #expect(said.contains("only :ro may follow the tag") && said.contains("the guest may write: /srv:data"))
    }

    @Test func tagsDiffer() {
        let error = parsed("SHARE0=/a:t\nSHARE1=/b:t:ro\n").error
        #expect(error?.description.contains("t is the tag of SHARE0 on line 3 too") == true)
    }

    @Test func whatQEMUIsTold() throws {
        let plan = try plan("SHARE0=/srv/a:a\nSHARE7=b:c:t:ro\n")
        let words = plan.argumentVector
        #expect(words.contains("memory-backend-memfd,id=ram,size=67108864,share=on"))
        #expect(words.contains { $0.hasPrefix("pc-q35") || $0.hasPrefix("q35") && $0.hasSuffix("memory-backend=ram") })
        let sockets = plan.descriptors.filter { if case .share = $0.role { true } else { false } }.map(\.number)
        #expect(words.contains("socket,id=share0-server,fd=\(sockets[0])"))
        #expect(words.contains("vhost-user-fs-pci,id=share0,addr=0x1a,chardev=share0-server,tag=a"))
        #expect(words.contains("vhost-user-fs-pci,id=share7,addr=0x1b,chardev=share7-server,tag=t"))
        #expect(plan.guestMachine.shares == ["SHARE0", "SHARE7"])
        #expect(plan.shares.map(\.isReadOnly) == [false, true])
    }

    @Test func hugePagesAreSharedAsTheyAre() throws {
        let plan = try plan("SHARE0=/srv/a:a\nHUGEPAGES=yes\n") {
            let page = ByteCount(bytes: 2 << 20)
            $0.hugePages = HugePagePools(standard: page, pools: [page: .init(count: 32, available: 32)])
        }
        #expect(plan.argumentVector.filter { $0.hasPrefix("memory-backend-memfd") }.count == 1)
    }

    @Test func whatKeepsItFromBeingShared() {
        #expect(problem("SHARE0=/srv/a:a\n") == nil)
        #expect(problem("SHARE0=/srv/a:a\n") { $0.isRoot = false }?.code == .denied)
        #expect(problem("SHARE0=/srv/a:a\n") { $0.images["/srv/a"] = .directoryMissing }?.code == .notFound)
        #expect(problem("SHARE0=/vms/1/vdisk0:a\n")?.description.contains("vdisk0 is not a directory") == true)
        let lacking = problem("SHARE0=/srv/a:a\n") { $0.qemu.missingDevices = [.sharedDirectory] }
        #expect(lacking?.description.contains("has no device vhost-user-fs-pci") == true)
    }

    @Test func bothServersAreStartedInTheirSandbox() {
        let qemus = ShareServer.Kind(version: "virtiofsd version 7.2.22 (Debian 1:7.2+dfsg-7)\nCopyright\n")
        let rust = ShareServer.Kind(version: "virtiofsd 1.13.2\n")
        #expect((qemus, rust) == (.ofQEMU, .rust))
        #expect(
            ShareServer(path: "/v", kind: qemus).arguments == [
                "-f", "--fd=3", "-o", "source=/mnt,sandbox=namespace,announce_submounts,log_level=warn",
            ])
        #expect(
            ShareServer(path: "/v", kind: rust).arguments == [
                "--fd=3", "--shared-dir=/mnt", "--sandbox=namespace", "--seccomp=kill", "--announce-submounts",
                "--log-level=warn",
            ])
    }
}
