import BridgeNet
import FoundationEssentials
import SystemPackage
import Testing

@testable import VMCore

/// What keeps a VM from starting, or is worth a note, one condition each: `check` and `start` use the same planner.
@Suite struct PlanConditionsTests {
    struct Condition: Sendable, CustomTestStringConvertible {
        var text: String
        var code: VMError.Code?
        var words: String
        var change: @Sendable (inout HostFacts) -> Void

        var testDescription: String { "\(text.split(separator: "\n").joined(separator: " ")): \(words)" }

        /// - Parameter code: nil for a note.
        init(
            _ text: String, _ code: VMError.Code?, _ words: String,
            _ change: @escaping @Sendable (inout HostFacts) -> Void = { _ in }
        ) {
            (self.text, self.code, self.words, self.change) = (text, code, words, change)
        }
    }

    private static let linux = KernelImage.linux(.init(version: 0x20f, initrdLimit: 0x7fff_ffff))
    private static let kernelVM = "KERNEL=/boot/vmlinuz\nINITRD=/boot/initrd.img\n"

    private static func image(
        _ path: FilePath, in facts: inout HostFacts, _ change: (inout ImageFacts.Image) -> Void
    ) {
        guard case .image(var image)? = facts.images[path] else {
            Issue.record("there is no \(path)")
            return
        }
        change(&image)
        facts.images[path] = .image(image)
    }

    /// Gives some files one identity.
    private static func unite(_ paths: FilePath..., in facts: inout HostFacts) {
        for path in paths { image(path, in: &facts) { $0.identity = FileIdentity(device: 1, inode: 1) } }
    }

    private static func kernel(_ kernel: KernelImage, initrd: KernelImage? = nil) -> @Sendable (inout HostFacts) -> Void
    {
        { facts in
            image("/boot/vmlinuz", in: &facts) { $0.kernel = kernel }
            image("/boot/initrd.img", in: &facts) { $0.kernel = initrd }
        }
    }

    private static func disc(_ disc: OpticalDisc) -> @Sendable (inout HostFacts) -> Void {
        { image("/isos/b.iso", in: &$0) { $0.disc = disc } }
    }

    private static func disk(_ change: @escaping @Sendable (inout ImageFacts.Image) -> Void)
        -> @Sendable (inout HostFacts) -> Void
    {
        { image("/vms/1/vdisk0", in: &$0, change) }
    }

    private static let processors: [Condition] = [
        Condition("CPU=host\nACCEL=tcg\n", .unavailable, "the model host is this machine's own processor"),
        Condition("CPU=skylake\n", .unavailable, "has no CPU model skylake\n  did you mean Skylake-Client?") {
            $0.processor = .unknownModel(among: ["Haswell", "Skylake-Client"])
        },
        Condition("CPU=486\n", .unavailable, "486 has no APIC") {
            $0.processor = .refused(
                ProcessorRefusal("-device pcie-root-port: MSI-X is not supported by interrupt controller"))
        },
        Condition("CPU=max,+foo\n", .unavailable, "has no CPU flag foo\n") {
            $0.processor = .refused(
                ProcessorRefusal("can't apply global max-x86_64-cpu.foo=1: Property 'max-x86_64-cpu.foo' not found"))
        },
        Condition("CPU=max,level=x\n", .unavailable, "can't make this processor: Parameter 'level' expects uint64") {
            $0.processor = .refused(ProcessorRefusal("Parameter 'level' expects uint64"))
        },
        Condition("CPU=Haswell\n", nil, "KVM has no hle, no rtm here") {
            $0.processor = .works(without: ["hle", "rtm"])
        },
        Condition("CPU=Haswell\n", nil, "QEMU could not be asked") { $0.processor = nil },
        Condition("CPUS=250\nMACHINE=pc-i440fx-1.4\n", .unavailable, "250 processors are more than the 240"),
        Condition("MACHINE=pc-i440fx-1.4\n", nil, "MACHINE=pc-i440fx-1.4 is deprecated"),
        Condition("", .denied, "can't execute it") { $0.canExecuteQEMU = false },
    ]

    private static let kernels: [Condition] = [
        Condition(kernelVM, .badData, "/boot/vmlinuz is not a kernel", kernel(.none(.unknown))),
        Condition(kernelVM, .badData, "the two look swapped", kernel(.none(.unknown), initrd: linux)),
        Condition(kernelVM, .badData, "initrd.img is a kernel", kernel(linux, initrd: linux)),
        Condition(kernelVM, .badData, "too old", kernel(.linux(.init(version: 0, initrdLimit: 0)))),
        Condition(kernelVM + "MEMORY=28M\n", .badData, "there is room for 29196286", kernel(linux)),
        Condition(
            kernelVM, .badData, "there is room for 1048574",
            kernel(.linux(.init(version: 0x203, initrdLimit: 1 << 20 - 1)))),
        Condition("KERNEL=/boot/vmlinuz\nMEMORY=8M\n", .badData, "does not fit into MEMORY=8M", kernel(linux)),
        Condition(kernelVM + "APPEND='a vga=foo b'\n", .badData, "vga=foo", kernel(linux)),
        Condition(
            "KERNEL=/boot/vmlinuz\nDISK0=/vms/1/vdisk0\n", .badData, "KERNEL: /boot/vmlinuz is the same file as DISK0"
        ) {
            unite("/boot/vmlinuz", "/vms/1/vdisk0", in: &$0)
        },
    ]

    private static let discs: [Condition] = [
        Condition(
            "CDROM0=/isos/b.iso\n", .badData, "is 1048576 bytes, and its volume descriptor says 1048577",
            disc(OpticalDisc(volumeBytes: 1 << 20 + 1, boot: .bios))),
        Condition(
            "CDROM0=/isos/b.iso\n", nil, "neither ISO 9660 nor UDF",
            disc(OpticalDisc(volumeBytes: nil, hasFileSystem: false, boot: .none))),
        Condition(
            "CDROM0=/isos/b.iso\nBOOT=cdrom,disk\n", nil, "has no boot record",
            disc(OpticalDisc(volumeBytes: 1 << 20, boot: .none))),
        Condition(
            "CDROM0=/isos/b.iso\nBOOT=cdrom\n", nil, "boots on UEFI only",
            disc(OpticalDisc(volumeBytes: 1 << 20, boot: .otherPlatform))),
    ]

    private static let disks: [Condition] = [
        Condition(
            "DISK0=/vms/1/vdisk0\n", .denied, "is a read-only device\n  add DISK0_READONLY=yes",
            disk { $0.isReadOnlyDevice = true }),
        Condition(
            "DISK0=/vms/1/vdisk0\nDISK0_CACHE=none\n", .unavailable, "a multiple of 4096",
            disk {
                ($0.bytes, $0.directIOUnit) = (1536, 4096)
            }),
        Condition("DISK0=/vms/1/vdisk0\nDISK0_SIZE=9G\n", nil, "exists and has 8 GiB: DISK0_SIZE=9G applies only"),
        Condition("DISK0=/vms/1/new\nDISK0_SIZE=9G\n", .cannotCreate, "can't be created with 9 GiB") {
            $0.images["/vms/1/new"] = .missing(directIO: true, failure: .fileTooLarge)
        },
        Condition("DISK0=/vms/1/image.qcow2\nDISK0_FORMAT=qcow2\n", .badData, "is encrypted") {
            image("/vms/1/image.qcow2", in: &$0) { $0.qcow2 = QCOW2Condition(diskBytes: 1, fault: .encrypted) }
        },
        Condition("DISK0=/vms/1/image.qcow2\nDISK0_FORMAT=qcow2\n", .badData, "is marked as corrupt") {
            image("/vms/1/image.qcow2", in: &$0) { $0.qcow2 = QCOW2Condition(diskBytes: 1, isCorrupt: true) }
        },
        Condition("DISK0=/vms/1/image.qcow2\nDISK0_FORMAT=qcow2\nDISK0_SIZE=1G\n", nil, "exists and has 2 GiB") {
            image("/vms/1/image.qcow2", in: &$0) { $0.qcow2 = QCOW2Condition(diskBytes: 2 << 30) }
        },
        Condition(
            "DISK0=/vms/1/vdisk0\nDISK1=/vms/1/vdisk1\nDISK1_READONLY=yes\n", .badData,
            "DISK1: /vms/1/vdisk1 is the same file as DISK0 (/vms/1/vdisk0)"
        ) {
            for path: FilePath in ["/vms/1/vdisk0", "/vms/1/vdisk1"] { image(path, in: &$0) { $0.deviceNumber = 7 } }
        },
        Condition(
            "DISK0=/vms/1/new\nDISK0_SIZE=1G\nDISK1=/vms/1/missing\nDISK1_SIZE=1G\n", .badData,
            "is the same file as DISK0"
        ) {
            for path: FilePath in ["/vms/1/new", "/vms/1/missing"] {
                let place = FilePlace.absent(in: FileIdentity(device: 1, inode: 2), name: "new")
                $0.images[path] = .missing(directIO: true, place: place)
            }
        },
        Condition(
            "DISK0=/vms/1/vdisk0\nCDROM0=/isos/b.iso\n", .badData, "CDROM0: /isos/b.iso is the same file as DISK0"
        ) {
            unite("/vms/1/vdisk0", "/isos/b.iso", in: &$0)
        },
    ]

    private static let ports: [Condition] = [
        Condition("NET0=user\nFORWARD0=tcp::80:80\n", .denied, "port 80: ports below 1024"),
        Condition("NET0=nat\nFORWARD0=udp::53:53\n", .badData, "udp port 53 is that of the network's own DNS server"),
        Condition(
            "NET0=nat\nFORWARD0=udp:127.0.0.1:67:67\n", .badData, "udp port 67 is that of the network's own DHCP server"
        ),
        Condition("NET0=nat\n", .busy, "another DHCP server has port 67") { $0.nat?.isLeasePortTaken = true },
        Condition("VNCBIND=192.0.2.1\n", .unavailable, "can't listen on 192.0.2.1") {
            $0.ports[HostPort(.tcp, "192.0.2.1", 0)] = .addressNotAvailable
        },
    ]

    private static func lacks(_ device: OptionalDevice) -> @Sendable (inout HostFacts) -> Void {
        { $0.qemu.missingDevices = [device] }
    }

    private static let sixOnSATA = [0, 1, 4, 5, 6, 7].map { "DISK\($0)=/vms/1/vdisk\($0)\nDISK\($0)_BUS=sata\n" }
        .joined()

    private static let devices: [Condition] = [
        Condition(
            "VIDEO=qxl\n", .unavailable, "VIDEO: QEMU 7.2.0 has no device qxl-vga\n  write VIDEO=std", lacks(.qxlVGA)),
        Condition("SOUND=yes\n", .unavailable, "has no device hda-output", lacks(.soundCodec)),
        Condition("SOUND=yes\nVNCDISP=none\n", nil, "nobody can hear it"),
        Condition(
            "DISK0=/vms/1/vdisk0\nDISK0_BUS=scsi\nDISK1=/vms/1/vdisk1\nDISK1_BUS=scsi\n", .unavailable,
            "DISK0_BUS: QEMU 7.2.0 has no device virtio-scsi-pci\n  write virtio", lacks(.scsiController)),
        Condition(
            "NET0=user\nNET0_MODEL=e1000e\nNET1=user\nNET1_MODEL=e1000e\n", .unavailable, "has no device e1000e",
            lacks(.e1000e)),
        Condition("NET0=nat\nNET0_MODEL=e1000e\n", nil, "set the MTU of 1450 in the guest"),
        Condition(
            sixOnSATA + "CDROM0=/isos/a.iso\n", .unavailable,
            "has 6 ports for drives, and this VM would have 7: 6 disks on SATA, 1 CDROMn\n  attach a disk with DISKn_BUS=scsi"
        ),
    ]

    private static func pages(
        _ pools: [(size: Int64, count: Int64, available: Int64)]
    ) -> @Sendable (inout HostFacts) -> Void {
        let standard = pools.first.map { ByteCount(bytes: $0.size) }
        let found = pools.map {
            (ByteCount(bytes: $0.size), HugePagePools.Pool(count: $0.count, available: $0.available))
        }
        let facts = HugePagePools(standard: standard, pools: Dictionary(uniqueKeysWithValues: found))
        return { $0.hugePages = facts }
    }

    private static let twoCPUs: @Sendable (inout HostFacts) -> Void = {
        $0.cpus = HostCPUs(online: CPUSet(0..<4), allowed: CPUSet(0..<2))
    }

    private static let resources: [Condition] = [
        Condition("CPUSET=0,4-5\n", .unavailable, "no CPU 4-5 online: it has 0-3", twoCPUs),
        Condition("CPUSET=1-2\n", .unavailable, "may not use CPU 2: the cpuset of its cgroup has 0-1", twoCPUs),
        Condition("HUGEPAGES=yes\n", .unavailable, "this host's kernel has no huge pages\n  leave the line out"),
        Condition("HUGEPAGES=1G\n", .unavailable, "no huge pages of 1 GiB\n  HUGEPAGES=yes", pages([(2 << 20, 0, 0)])),
        Condition(
            "HUGEPAGES=yes\nMEMORY=64M\n", .unavailable,
            "64 MiB is 32 huge pages of 2 MiB, and this host has 5 to give\n  let the kernel keep 37, if so much memory is "
                + "free in one piece: `sysctl -w vm.nr_hugepages=37`", pages([(2 << 20, 10, 5)])),
        Condition(
            "HUGEPAGES=1G\nMEMORY=3G\n", .unavailable,
            "`echo 3 >/sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages`",
            pages([(2 << 20, 0, 0), (1 << 30, 0, 0)])),
        Condition("HUGEPAGES=2M\nMEMORY=65M\n", .badData, "write MEMORY=66M", pages([(2 << 20, 99, 99)])),
    ]

    @Test func cpusAndHugePagesReachThePlan() throws {
        let text = "NET0=none\nCPUSET=1,0\nHUGEPAGES=yes\nMEMORY=64M\nCPUS=2\n"
        let params = try #require(VMParams.parse(Array(text.utf8), file: "/vms/1/vm.params").params)
        var facts = Host.kvm.facts
        Self.twoCPUs(&facts)
        Self.pages([(2 << 20, 32, 32)])(&facts)
        let plan = try LaunchPlan(params, facts: facts)
        #expect(plan.cpus == CPUSet(0...1) && plan.vm.cpuSet == "0-1" && plan.notices == [])
        let words = plan.argumentVector
        #expect(
            words.contains(
                "memory-backend-memfd,id=ram,size=67108864,hugetlb=on,hugetlbsize=2097152,prealloc=on,prealloc-threads=2"
            ))
        #expect(words.contains { $0.hasSuffix(",memory-backend=ram") })
        #expect(!words.contains { $0.contains("virtio-balloon") })
        let processors = plan.arguments.first { $0.words.first == "-smp" }
        #expect(processors?.purpose.hasSuffix("bound to the host's CPUs 0-1") == true)
        #expect(processors?.origins.last == .line(2, key: KeyName(.cpuSet)))
    }

    @Test(arguments: processors + kernels + discs + disks + ports + devices + resources)
    func isSeen(_ condition: Condition) throws {
        let needed = condition.text.contains("NET0") ? "" : "NET0=none\n"
        let params = try #require(
            VMParams.parse(Array((needed + condition.text).utf8), file: "/vms/1/vm.params").params)
        var facts = Host.kvm.facts
        condition.change(&facts)
        do throws(PlanRefusal) {
            let plan = try LaunchPlan(params, facts: facts)
            #expect(condition.code == nil)
            #expect(plan.notices.contains { $0.contains(condition.words) }, "\(plan.notices)")
        } catch {
            #expect(error.problems.count == 1)
            #expect(error.problems.first?.code == condition.code)
            #expect(error.problems.first?.description.contains(condition.words) == true, "\(error.problems)")
        }
    }

    /// The same files and the same host, with nothing wrong.
    @Test(arguments: [
        "CPU=Haswell\n", "CPUS=240\nMACHINE=pc-i440fx-7.2\n", kernelVM, kernelVM + "MEMORY=32M\nAPPEND='vga=0x317 x'\n",
        kernelVM + "APPEND='vga=normal'\n", "CDROM0=/isos/b.iso\nBOOT=cdrom\n",
        "CDROM0=/isos/b.iso\nCDROM1=/isos/a.iso\n",
        "DISK0=/vms/1/vdisk0\nDISK0_SIZE=8G\n", "DISK0=/vms/1/vdisk0\nDISK1=/vms/1/vdisk1\n",
        "DISK0=/vms/1/vdisk2\nDISK0_READONLY=yes\nDISK1=/vms/1/vdisk3\nDISK1_READONLY=yes\n",
        sixOnSATA, "VIDEO=qxl\nSOUND=yes\n", "NET0=bridge:br0\nNET0_MODEL=e1000e\nNET0_QUEUES=1\n",
        "NET0=user\nFORWARD0=tcp::1024:80\n", "NET0=nat\nFORWARD0=tcp:127.0.0.1:53:53\nFORWARD1=tcp::67:67\n",
    ])
    func nothingIsSaidOfWhatIsRight(_ text: String) throws {
        let needed = text.contains("NET0") ? "" : "NET0=none\n"
        let params = try #require(VMParams.parse(Array((needed + text).utf8), file: "/vms/1/vm.params").params)
        var facts = Host.kvm.facts
        Self.kernel(Self.linux)(&facts)
        Self.disc(OpticalDisc(volumeBytes: 1 << 20, boot: .bios))(&facts)
        Self.unite("/vms/1/vdisk2", "/vms/1/vdisk3", in: &facts)
        for (path, inode): (FilePath, UInt64) in [("/vms/1/vdisk0", 2), ("/vms/1/vdisk1", 3)] {
            Self.image(path, in: &facts) { $0.identity = FileIdentity(device: 1, inode: inode) }
        }
        facts.nat?.isForwarding = true
        #expect(try LaunchPlan(params, facts: facts).notices == [])
    }

    @Test(arguments: [
        ("skylake", ["Skylake-Client", "Skylake-Server"]), ("HASWELL", ["Haswell"]), ("Haswel", ["Haswell"]),
        ("Hasewll", ["Haswell"]), ("nonsense", []), ("", []),
    ])
    func theNearestModelsAreOffered(_ typed: String, _ meant: [String]) {
        #expect(
            LaunchPlanner.models(near: typed, among: ["Haswell", "Skylake-Client", "Skylake-Server", "max"]) == meant)
    }
}
