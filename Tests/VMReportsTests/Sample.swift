import BridgeNet
import Foundation
import SystemPackage
import Testing

@testable import VMCore
@testable import VMHost
@testable import VMLife
@testable import VMReports

/// Values for reports, made by hand. Each holds a word in every place where a file, a guest or the kernel decides the text.
enum Sample {
    static var name: VMName { get throws { try #require(VMName("web")) } }
    static var bridge: InterfaceName { get throws { try #require(InterfaceName("br0")) } }
    static var mac: MACAddress { get throws { try #require(MACAddress("52:54:00:00:00:01")) } }
    static let paths = Paths(run: "/run/kvmctl", log: "/var/log/kvmctl", cache: "/none", roots: [])
    static let error = VMError(.busy, "web", "is busy", remedy: "wait")

    static func file(_ word: String) -> FilePath { FilePath("/vms/x\(word)") }

    /// A running VM.
    static func entry(_ word: String) throws -> VMEntry {
        var entry = VMEntry(name: word, state: .running, file: file(word), place: paths)
        var vm = VMDescription(try #require(VMParams.parse([], file: file("")).params))
        vm.file = file(word)
        vm.memory = ByteCount(bytes: 512 << 20)
        vm.cpus = 2
        vm.note = word
        vm.tags = [word, "lab"]
        vm.isProtected = true
        vm.cpuSet = word
        vm.vnc = VMDescription.VNC(address: "127.0.0.1", port: VNCPort(display: 7), hasPassword: true)
        var settings = NICSettings()
        settings.queues = 2
        settings.filter = word
        let bridge = try #require(DeviceName("br0"))
        vm.nics = [
            VMDescription.NIC(index: 0, network: .bridge(bridge), mac: try mac, tap: "tap0", settings: settings),
            VMDescription.NIC(
                index: 1, network: .nat, mac: nil, tap: "tap1", address: "10.213.0.5", settings: NICSettings()),
        ]
        entry.process = ProcessIdentity("42 100")
        vm.accelerator = "tcg"
        vm.uuid = "c9a3ff0e-51c5-4a5e-9b44-4f6d5b1f7a10"
        vm.media = [file(word)]
        entry.vm = vm
        return entry
    }

    /// A warm image.
    static func warm(_ word: String) throws -> WarmImage {
        var image = WarmImage(name: try name, path: file(word), size: ByteCount(bytes: 3 << 20))
        (image.model, image.made, image.used) = (word, 1_700_000_000, Moment(microseconds: 1_700_000_060_000_000))
        return image
    }

    /// An image that has a name, and can't be used.
    static func image(_ word: String) throws -> LibraryImage {
        var image = LibraryImage(name: try #require(ImageName("debian")), path: file(word))
        (image.format, image.size, image.sum) = (.qcow2, ByteCount(bytes: 2 << 30), "0f")
        (image.users, image.fault) = ([try name], error)
        return image
    }

    /// An overlay that a VM has open, whose base is missing.
    static func disk(_ word: String) throws -> DiskLook {
        var image = DiskLayer(.disk, file(word).string, format: "qcow2")
        var found = DiskLayer.Found(FileIdentity(device: 1, inode: 2))
        (found.apparent, found.allocated) = (ByteCount(bytes: 3 << 20), ByteCount(bytes: 2 << 20))
        (found.holes, found.qcow2Size) = (ByteCount(bytes: 1 << 20), ByteCount(bytes: 8 << 30))
        (found.content, found.locks) = (.other(word), [.writes])
        image.found = found
        var look = DiskLook(
            vm: try name, device: "DISK0", path: file(word), declared: .qcow2,
            chain: [image, DiskLayer(.backing, word, format: "raw")])
        var users = DiskLook.Users()
        users.vms = [.disk(of: try name, isRunning: true), .backing(of: try name, disk: file(word))]
        (users.running, users.host) = ([try name], HostUse(.mounted(at: word)))
        users.obstacle = VMError(.denied, word, word)
        look.users = users
        return look
    }

    /// A damaged disk.
    static func checkedDisk(_ word: String) throws -> CheckedDisk {
        let output = "ERROR \(word)\n{\n\"check-errors\": 0, \"corruptions\": 2, \"leaks\": 1\n}\n"
        return CheckedDisk(
            vm: try name, device: "DISK0", path: file(word), format: .qcow2, check: QCOW2Check(output: output))
    }

    /// What is found at a look at it.
    static func details(_ word: String) -> VMDetails {
        VMDetails(
            media: [
                VMDetails.Medium(
                    key: "DISK0", path: file(word), format: .qcow2, size: ByteCount(bytes: 8 << 30),
                    allocated: ByteCount(bytes: 3 << 29), backing: [file("base")])
            ],
            shares: [
                VMParams.Share(
                    index: 0,
                    directory: Setting(
                        SharedDirectory(path: file(word), tag: "a", isReadOnly: true),
                        .line(1, key: KeyName(.share, 0))))
            ],
            usage: ProcessUsage(uid: 64055, processorTime: .seconds(75), memory: ByteCount(bytes: 300 << 20)))
    }

    /// A guest that panicked.
    static func guest(_ word: String) throws -> GuestEvidence {
        var evidence = GuestEvidence(vm: try name, file: "/vms/x\(word)")
        evidence.console.take("\(word) Kernel panic - not syncing: \(word)\n".utf8)
        evidence.silentFor = .seconds(61)
        return evidence
    }

    static func panic(_ word: String) throws -> Diagnosis { try #require(try guest(word).deadEnd) }

    /// A wait that was in vain.
    static func wait(_ word: String) throws -> WaitOutcome {
        let (evidence, diagnosis) = (try guest(word), try panic(word))
        return WaitOutcome(
            conditions: [(.boot, nil), (.serial(word), word)], any: false, evidence: evidence, waited: .seconds(3),
            end: .deadEnd(diagnosis), picture: "/var/log/kvmctl/\(word)/screen.png")
    }

    /// What it used within half a second.
    static func usage(_ entry: VMEntry) -> VMUsage {
        VMUsage(
            entry, usage: details("web").usage,
            rates: UsageRates(
                from: UsageSample(time: 0, processorTime: 0, storage: .init(inward: 0, outward: 0), links: [:]),
                to: UsageSample(
                    time: 500_000, processorTime: 612_500, storage: .init(inward: 1 << 19, outward: 0), links: [:])))
    }

    /// A VM that does not run, of which little is known.
    static func stopped(_ word: String) -> VMEntry {
        var entry = VMEntry(name: word, state: .stopped, file: file(word), place: paths)
        entry.fault = word
        entry.endReason = word
        return entry
    }

    static func plan(_ word: String) throws -> LaunchPlan {
        let (name, bridge, mac) = (try name, try bridge, try mac)
        return LaunchPlan(
            name: name, uuid: UUID(Array(0...15)), file: file(word), executable: "/usr/bin/qemu",
            arguments: [
                ArgumentGroup(
                    arguments: [.words(["-name", word])], purpose: "its name",
                    origins: [.derived(word), .line(3, key: KeyName(.disk, 1))])
            ],
            descriptors: [
                Descriptor(number: 3, role: .image(file(word), writable: false, direct: true)),
                Descriptor(number: 4, role: .tap(nic: 0, queue: 1)),
                Descriptor(number: 5, role: .isolated(try #require(NetworkName("lab")))),
            ],
            newDisks: [LaunchPlan.SparseDisk(path: file(word), size: ByteCount(bytes: 8 << 30))],
            taps: [LaunchPlan.PlannedTap(nic: 0, name: nil, bridge: bridge, mtu: nil, queues: 2)],
            macvtaps: [
                LaunchPlan.PlannedMacvtap(nic: 1, name: InterfaceName("mv0"), device: bridge, mac: mac, mtu: 9000)
            ],
            policies: [PortPolicy(nic: 0, mac: mac, rate: BitRate(bitsPerSecond: 10_000_000), filter: nil)],
            nat: NATMember(
                name: name, stations: [NATMember.Station(nic: 2, mac: mac, address: nil)], forwards: [forward]),
            credentials: .user(word, uid: 7, gid: 8, groups: []), monitorInput: [], commit: [QMPCommand("cont")],
            vm: try VMDescription(#require(VMParams.parse([], file: file("")).params)),
            notices: [word], derivedValues: [])
    }

    /// Changes of a params file, one with each effect.
    static func changes(_ word: String) -> [FileChange.Key] {
        [.saved, .applied, .asRunning, .pending(running: word), .pending(running: nil), .unknown].map { effect in
            FileChange.Key(name: KeyName(.append), before: "old", after: word, effect: effect)
        }
    }

    static let forward = PortForward(transport: .tcp, address: "127.0.0.1", hostPort: 2222, guestPort: 22)

    static func addresses(_ word: String) throws -> AddressReport {
        AddressReport(
            vm: try name, wish: AddressFilter(), state: .running,
            all: [
                GuestAddress(nic: 0, address: try #require(IPAddress("192.0.2.7")), sources: [.agent, .arp]),
                GuestAddress(nic: 0, address: try #require(IPAddress("fe80::1")), sources: [.nd], zone: word),
            ],
            nics: [AddressReport.NIC(index: 0, network: "bridge:br0", mac: try mac, tap: "tap0", story: word)],
            answers: [AddressReport.Answer(source: .agent, text: word)], canHear: true, forwards: [forward])
    }

    static func bridges(_ word: String) -> [Bridges.Bridge] {
        [
            Bridges.Bridge(
                name: "br0", network: "bridge:br0", isUp: true, mtu: 1500, mac: "52:54:00:00:00:01",
                ports: [("eth0", nil), ("tap0", word)], uplink: "eth0", addresses: ["192.0.2.1/24"],
                hasSpanningTree: false, isVLANAware: true),
            Bridges.Bridge(
                name: word, network: word, isUp: false, mtu: 9000, mac: "", ports: [], uplink: nil, addresses: [],
                hasSpanningTree: true, isVLANAware: false),
        ]
    }

    static func findings(_ word: String) -> [Finding] {
        [
            .ok("memory", word), .warning(word, "is slow", fix: .step(word)),
            .problem("br0", "is down", fix: .command("ip link set \(word) up")),
        ]
    }

    static func persisted(_ word: String) throws -> PersistPlan {
        var plan = try PersistPlan([], for: try bridge, found: [])
        plan.writes = [ConfigurationFile(path: "/etc/\(word)", text: "[\(word)]\n", permissions: 0o600)]
        plan.removals = ["/etc/old\(word)"]
        return plan
    }

    static func adopted(_ word: String) throws -> AdoptedMachine {
        let uuid = try #require(UUID("c9a3ff0e-51c5-4a5e-9b44-4f6d5b1f7a10"))
        return AdoptedMachine(
            AdoptionFacts(words: ["qemu", "-hda", word, "-\(word)", "-S"], directory: "/", newUUID: uuid))
    }

    /// A report of each kind.
    static func reports(_ word: String) throws -> [any Report] {
        let (name, bridge, plan, found) = (try name, try bridge, try plan(word), try addresses(word))
        let (entry, web) = (try entry(word), try entry("web"))
        let key = ParamsSchema.Entry(
            key: .disk, group: .disks, indices: 0...25, status: .built, example: word, summary: word)
        return [
            VMReport(web, details(word), age: .seconds(61), guest: try guest(word), showsPlaces: true),
            NamesReport([entry]),
            VMListReport([entry], columns: ListColumn.wide) { _ in nil },
            VMListReport([entry, stopped(word)]) { _ in .seconds(61) },
            StartReport(name, .started(entry), timings: [(.parse, .milliseconds(2))]), PlanReport(plan),
            StopReport(
                name, steps: [.guest, .quit, .killed],
                outcome: Stopping.Outcome(step: .quit, answer: .pointless(RunState(word))), patience: .seconds(30)),
            DeedReport.power(name, .pause, from: .running, changed: true, dryRun: false),
            RestartReport(
                StopReport(name, steps: [], outcome: nil, patience: .zero), PlanReport(plan)),
            SuspendReport(name, .save(to: file(word), atMost: ByteCount(bytes: 1 << 20)), outcome: nil),
            DeedReport.freeze(name, to: .frozen, from: .thawed, changed: 2, dryRun: false),
            DeedReport.trim(name, [FileSystemTrim(path: word, size: nil, error: word)]),
            EnableReport(
                name, enabled: true, steps: [.write(file(word), text: word), .systemctl(["enable", word])],
                dropIn: file(word), dryRun: true),
            DeviceChangeReport(
                name,
                DeviceChange(
                    deed: .attach, device: "DISK1", what: word, machine: .changed,
                    edits: [
                        try ParamsEdit(key: "DISK1", value: "data"), try ParamsEdit(key: "DISK1_SIZE", value: nil),
                    ],
                    notices: [word]), dryRun: false),
            MemoryReport(
                name,
                BalloonState(current: ByteCount(bytes: 1 << 28), most: ByteCount(bytes: 1 << 29), wanted: nil),
                dryRun: false),
            WaitReport(try wait(word)),
            TopReport([usage(entry), VMUsage(stopped(word), usage: nil, rates: nil)], at: Moment(microseconds: 0)),
            EventReport(name, VMEvent(.start, at: 0, ["by": .string(word)])),
            HistoryReport(name, [VMEvent(.crash, at: 0, ["end": .string(word), "record": .string(word)])]),
            VNCReport(name, address: "::1", port: 5907, display: 7, password: word, tunnel: "ssh \(word)"),
            ScreenshotReport(name, file: file(word), format: .png, size: 8704), ScreenTextReport(name, [word]),
            SendKeyReport(name, [try #require(KeyCode("f2"))].map { KeyChord([$0]) }, typed: 3, dryRun: false),
            IPReport(found), IPListReport([found], layout: .table),
            IPListReport([found], layout: .namedAddresses),
            CreateReport(
                isDryRun: true, name: name, file: file(word), paramsText: "NAME=\(word)\n", root: file(word),
                disks: [SparseDisk(path: file(word), size: ByteCount(bytes: 1 << 30))], files: [file(word)]),
            ImageReport(verified: try image(word)), ImageReport(removed: try image(word), isDryRun: true),
            ImageListReport([try image(word)]),
            DiskReport(try disk(word)), DiskListReport([try disk(word)], failures: VMResults(.disk)),
            DiskCheckReport(try checkedDisk(word), dryRun: true),
            DiskCreateReport(
                file(word), .qcow2, size: ByteCount(bytes: 1 << 30), backing: [file(word)], isPreallocated: false,
                dryRun: false),
            WarmReport(try warm(word), isNew: true), WarmReport(removed: try warm(word), isDryRun: true),
            WarmReport(try warm(word), wouldBeMade: true, because: word),
            WarmListReport([try warm(word)], at: Moment(microseconds: 1_700_000_120_000_000)),
            CheckReport(name, file: file(word), .passed(notices: [word])),
            CheckReport(name, file: file(word), .failed(VMError(.badData, word, word))),
            DiffReport(
                name, file: file(word),
                FileDifference(
                    isRunning: true, keys: [ParamsDifference(KeyName(.append), before: word, after: nil)],
                    added: [file(word)])),
            SetReport(name, file: file(word), isDryRun: true, changes(word)),
            AdoptReport(
                name, file: file(word),
                UpdatedFile(
                    lines: [
                        (MissingLine(key: KeyName(.name), value: word, reason: .nameOfPath), .pending(running: word))
                    ], notices: []), isDryRun: true),
            AdoptReport(
                name, file: file(word), pid: 7, try adopted(word), isHeld: true, isDryRun: true),
            RenameReport(name, to: name, file: file(word), isDryRun: true, steps: [word]),
            ArgumentsReport(plan), KeysReport([key]),
            RemoveReport(name, isDryRun: false, removed: [file(word)], kept: [(file(word), word)]),
            BridgesReport(bridges(word), trials: [word: 9]),
            BridgeChangeReport(bridge, .up(uplink: nil), isDryRun: false, steps: [word], moved: ""),
            ConfirmReport([bridge], isDryRun: true),
            PersistReport(
                bridge, isDryRun: true, service: .networkd, plan: try persisted(word), effect: word, notices: [word]),
            DoctorReport(findings(word) + GuestChecks.findings(of: try guest(word))),
            SettingsReport([SettingInForce(.roots, word, .file(file(word), line: 1))]),
        ]
    }
}
