import SystemPackage
import Testing

@testable import VMCore

@Suite struct SettingsTests {
    private static let system: FilePath = "/etc/kvmctl.conf"
    private static let own: FilePath = "/home/ann/.config/kvmctl.conf"

    private func settings(_ system: String, _ own: String = "") throws -> Settings {
        try Settings([
            ParamsSource(Self.system, Array(system.utf8)), ParamsSource(Self.own, Array(own.utf8)),
        ])
    }

    @Test func laterFilesGoBeforeKeyByKey() throws {
        let found = try settings(
            "VMS=/a:/b/\nCREATE_MEMORY=2G\nQUIET=yes\nCREATE_DISK=8G", "# mine\nQUIET='no'\nCREATE_DISK=none")
        #expect(found.roots == ["/a", "/b"])
        #expect(!found.isQuiet)
        #expect(found.create.memory == ByteCount(bytes: 2 << 30))
        #expect(found.create.disks == [])
        #expect(found.line(of: .quiet) == Settings.Line(key: .quiet, value: "no", file: Self.own, number: 2))
        #expect(found.line(of: .createMemory)?.file == Self.system)
        #expect(found.line(of: .createCPUs) == nil)
        #expect(found.lines.count == 4)
    }

    @Test func withoutFiles() throws {
        #expect(try settings("") == Settings())
        #expect(Settings().create.memory == ByteCount(bytes: 1 << 30))
    }

    @Test func whatCreateMakes() throws {
        let create = try settings("CREATE_CPUS=4\nCREATE_NET=none\nCREATE_VNC=none\nLIST_COLUMNS=wide").create
        #expect(create.cpus == 4)
        #expect(create.networks == [])
        #expect(create.vnc == .none)
        #expect(try settings("CREATE_NET=user").create.networks == [.user])
        #expect(try settings("").create.networks == nil)
    }

    @Test func everyExampleIsValid() throws {
        for key in SettingKey.allCases {
            let found = try settings("\(key.rawValue)=\(key.example)")
            #expect(found.line(of: key)?.value == key.example)
            #expect(found != Settings())
            guard let standard = key.standard else { continue }
            #expect(try settings("\(key.rawValue)=\(standard)").create == CreateDefaults())
        }
    }

    @Test(arguments: [
        ("CREATE_MEMRY=2G", "1:1: error: unknown key 'CREATE_MEMRY'", "Did you mean CREATE_MEMORY?"),
        ("\nvms=/vms", "2:1: error: unknown key 'vms'", "Did you mean VMS?"),
        ("KVMCTL_VMS=/vms", "1:1: error: unknown key 'KVMCTL_VMS'", "Did you mean VMS?"),
        ("MEMORY=2G", "1:1: error: unknown key 'MEMORY'", "Did you mean CREATE_MEMORY?"),
        ("COLOUR=1", "1:1: error: unknown key 'COLOUR'", "The keys are VMS, "),
        ("VMS=/a:b", "1:8: error: VMS: 'b' is not an absolute path", "such as /srv/vms:/vms."),
        ("VMS=/a:", "1:5: error: VMS: '' is not an absolute path", "such as /srv/vms:/vms."),
        ("VMS=", "1:1: error: VMS has no value", "such as /srv/vms:/vms, or remove the line."),
        ("VMS=~/vms", "1:5: error: '~' is not expanded here", "absolute path."),
        ("QUIET=yes\nQUIET=no", "2:1: error: QUIET is set twice: first on line 1", "Remove one"),
        ("LIST_COLUMNS=name,sate", "error: LIST_COLUMNS: 'sate' is not a column", "Did you mean state? Write wide"),
        ("CREATE_NET=brige:br0", "1:12: error: CREATE_NET: 'brige:br0'", "Did you mean bridge:br0?"),
        ("CREATE_DISK=10", "error: CREATE_DISK: '10' has no unit", "10G"),
        ("nonsense", "1:1: error: there is no '=' on this line", "KEY=VALUE"),
        ("\0", "error: there is a NUL byte", ""),
    ])
    func aFaultSaysWhereAndWhatToWrite(_ text: String, _ fault: String, _ hint: String) throws {
        let error = try #require(throws: VMError.self) { try settings("QUIET=yes", text) }
        #expect(error.code == .badData)
        #expect(error.subject == Self.own.string)
        let said = error.description
        #expect(said.contains("1 error"))
        #expect(said.contains(fault), "\(said)")
        #expect(said.contains(hint), "\(said)")
    }

    @Test func allFaultsOfAFileAreReported() throws {
        let error = try #require(throws: VMError.self) { try settings("A=1\nQUIET=ja\nCREATE_CPUS=0") }
        #expect(error.summary == "/etc/kvmctl.conf: 3 errors")
    }
}
