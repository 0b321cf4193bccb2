import SystemPackage
import Testing

@testable import VMCore
@testable import VMHost
@testable import VMLife

@Suite struct SettingsInForceTests {
    private let settings: Settings

    init() throws { settings = try Settings([ParamsSource("/etc/kvmctl.conf", Array("VMS=/srv/vms".utf8))]) }

    private func paths(_ uid: UInt32, _ settings: Settings, _ more: [String: String] = [:]) throws -> Paths {
        let environment = ["KVMCTL_RUN": "/run/x", "HOME": "/home/ann"].merging(more) { $1 }
        return try Paths.of(uid: uid, environment: { environment[$0] }, settings: settings)
    }

    @Test func rootsOfTheSettingsAreNotMade() throws {
        let own = try Settings([ParamsSource("/home/ann/.config/kvmctl.conf", Array("VMS=/srv/vms".utf8))])
        for found in [try paths(0, settings), try paths(1000, own)] {
            #expect(found.roots == ["/srv/vms"])
            #expect(found.ownRoot == nil)
            #expect(found.namesRoots)
        }
        // Those of the host leave users theirs.
        let users = try paths(1000, settings)
        #expect(users.roots == ["/home/ann/vms", "/srv/vms"])
        #expect(users.ownRoot == "/home/ann/vms")
    }

    @Test func theEnvironmentGoesBefore() throws {
        #expect(try paths(1000, settings, ["KVMCTL_VMS": "/a:/b"]).roots == ["/a", "/b"])
        #expect(try paths(1000, settings, ["KVMCTL_VMS": ""]).roots == paths(1000, settings).roots)
    }

    @Test func theDefaultRoots() throws {
        let users = try paths(1000, Settings())
        #expect(users.roots == ["/home/ann/vms", "/vms"])
        #expect(users.ownRoot == "/home/ann/vms")
        #expect(!users.namesRoots)
        #expect(try paths(0, Settings()).roots == ["/vms"])
    }

    @Test func whereAUsersConfigurationIs() {
        func place(_ environment: [String: String]) -> FilePath {
            UserConfiguration.directory(uid: 1000) { environment[$0] }
        }
        #expect(place(["HOME": "/home/ann"]) == "/home/ann/.config")
        #expect(place(["HOME": "/home/ann", "XDG_CONFIG_HOME": "/x"]) == "/x")
        // The specification has relative paths ignored.
        #expect(place(["HOME": "/home/ann", "XDG_CONFIG_HOME": "x"]) == "/home/ann/.config")
        #expect(place([:]) == "/.config")
    }

    @Test func missingRoots() throws {
        func site(_ environment: [String: String]) throws -> Site {
            let all = environment.merging(["KVMCTL_RUN": "/run/x", "HOME": "/none"]) { $1 }
            return try Site(uid: 1000) { all[$0] }
        }
        let named = try site(["KVMCTL_VMS": "/a:/b"])
        #expect(named.note(ofMissing: [], besides: false) == nil)
        #expect(
            named.note(ofMissing: ["/b"], besides: true) == "/b does not exist, but KVMCTL_VMS says that VMs are there")
        #expect(named.settingsInForce.first == SettingInForce(.roots, "/a:/b", .environment("KVMCTL_VMS")))
        let usual = try site([:])
        #expect(usual.settingsInForce.contains(SettingInForce(.createNet, "user", .standard)))
        #expect(usual.note(ofMissing: ["/none/vms"], besides: false) == nil)
        #expect(usual.note(ofMissing: ["/none/vms", "/vms"], besides: true) == nil)
        #expect(
            usual.note(ofMissing: ["/none/vms", "/vms"], besides: false)
                == "there are no VMs yet: /none/vms and /vms do not exist; kvmctl create makes the first one")
    }
}
