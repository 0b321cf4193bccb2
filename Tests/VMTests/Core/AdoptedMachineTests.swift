import FoundationEssentials
import SystemPackage
import Testing

@testable import VMCore

/// The command lines of QEMUs that kvmctl did not start, as params files.
@Suite struct AdoptedMachineTests {
    private static let uuid = "c9a3ff0e-51c5-4a5e-9b44-4f6d5b1f7a10"

    private func facts(_ words: [String]) throws -> AdoptionFacts {
        var facts = AdoptionFacts(
            words: ["qemu"] + words, directory: "/vms/1", newUUID: try #require(UUID(Self.uuid)))
        facts.pinned = ["pc": "pc-i440fx-7.2", "q35": "pc-q35-7.2"]
        facts.bridges = ["tap0": "br0", "tap7": "br1"]
        facts.taps = ["tap7"]
        return facts
    }

    private func lines(_ machine: AdoptedMachine) -> [String] {
        machine.lines.map { "\(ParamsLine($0.key, $0.value))" }
    }

    private func read(_ text: String) throws -> AdoptedMachine {
        AdoptedMachine(try facts(text.split(separator: " ").map(String.init)))
    }

    /// What the script of 2010 started.
    @Test func theScriptOf2010() throws {
        let machine = try read(
            """
            -enable-kvm -m 512 -drive file=/vms/1/vdisk0,if=virtio,format=raw -drive file=vdisk1,if=virtio,format=raw \
            -net nic,model=virtio,macaddr=52:54:00:00:00:01 -net tap,ifname=tap0,script=no,downscript=no \
            -vnc 127.0.0.1:0 -boot c -daemonize
            """)
        #expect(
            lines(machine) == [
                "UUID=\(Self.uuid)", "MACHINE=pc-i440fx-7.2", "ACCEL=kvm", "MEMORY=512M", "CPUS=1", "CPU=qemu64",
                "DISK0=/vms/1/vdisk0", "DISK0_FORMAT=raw", "DISK1=/vms/1/vdisk1", "DISK1_FORMAT=raw", "CDROM0=''",
                "NET0=bridge:br0", "NET0_MAC=52:54:00:00:00:01", "VNCDISP=0", "VNCBIND=127.0.0.1",
            ])
        #expect(machine.losses.isEmpty && machine.taps == [0: "tap0"] && machine.monitors.isEmpty)
        #expect(
            machine.kvmctls == ["NET0 script=no", "NET0 downscript=no", "-daemonize"])
    }

    /// QEMU has a card, a screen and an empty CD drive if nothing is said of them.
    @Test func whatQEMUAdds() throws {
        let machine = try read("disk.img")
        #expect(
            lines(machine).suffix(7) == [
                "CPU=qemu64", "DISK0=/vms/1/disk.img", "CDROM0=''", "NET0=user", "NET0_MAC=52:54:00:12:34:56",
                "NET0_MODEL=e1000e", "VNCDISP=none",
            ])
        #expect(lines(machine).contains("MEMORY=128M") && lines(machine).contains("ACCEL=tcg"))
        #expect(machine.losses.map(\.argument) == ["DISK0: its format", "DISK0: its bus, IDE", "NET0: model e1000"])
        let bare = try read("-nodefaults -display none")
        #expect(lines(bare).suffix(2) == ["NET0=none", "VNCDISP=none"])
    }

    @Test func asLibvirtStartsIt() throws {
        let words = [
            "-name", "guest=web,debug-threads=on", "-S", "-machine",
            "pc-q35-6.2,usb=off,dump-guest-core=off,memory-backend=pc.ram", "-accel", "kvm", "-cpu",
            "host,migratable=on",
            "-m", "size=2097152k", "-object", #"{"qom-type":"memory-backend-ram","id":"pc.ram","size":2147483648}"#,
            "-overcommit", "mem-lock=off", "-smp", "4,sockets=1,cores=4,threads=1", "-uuid", Self.uuid.uppercased(),
            "-no-user-config", "-nodefaults", "-chardev", "socket,id=charmonitor,path=/run/mon.sock,server=on,wait=off",
            "-mon", "chardev=charmonitor,id=monitor,mode=control", "-rtc", "base=utc,driftfix=slew", "-global",
            "ICH9-LPC.disable_s3=1", "-boot", "strict=on", "-device",
            #"{"driver":"pcie-root-port","port":8,"chassis":1,"id":"pci.1","bus":"pcie.0","addr":"0x1"}"#, "-blockdev",
            #"{"driver":"file","filename":"/img/a,b.qcow2","node-name":"s1","discard":"unmap"}"#, "-blockdev",
            #"{"node-name":"f1","read-only":false,"driver":"qcow2","file":"s1"}"#, "-device",
            #"{"driver":"virtio-blk-pci","bus":"pci.1","addr":"0x0","drive":"f1","id":"virtio-disk0","bootindex":1}"#,
            "-netdev", "tap,fd=33,vhost=on,vhostfd=35,id=hostnet0", "-device",
            #"{"driver":"virtio-net-pci","netdev":"hostnet0","id":"net0","mac":"52:54:00:aa:bb:cc"}"#,
            "-vnc", "[::1]:3,password=on", "-device", "cirrus-vga,id=video0",
        ]
        let machine = AdoptedMachine(try facts(words))
        #expect(
            lines(machine) == [
                "UUID=\(Self.uuid)", "MACHINE=pc-q35-6.2", "ACCEL=kvm", "MEMORY=2097152K", "CPUS=4",
                "CPU=host,migratable=on", "DISK0=/img/a,b.qcow2", "DISK0_FORMAT=qcow2", "NET0=bridge:br1",
                "NET0_MAC=52:54:00:aa:bb:cc", "VNCDISP=3", "VNCBIND=::1", "QEMUARG0=-rtc", "QEMUARG1=driftfix=slew",
                "QEMUARG2=-overcommit", "QEMUARG3=mem-lock=off", "QEMUARG4=-global", "QEMUARG5=ICH9-LPC.disable_s3=1",
            ])
        #expect(machine.givenName == "web" && machine.monitors == ["/run/mon.sock"] && machine.taps == [0: "tap7"])
        #expect(
            machine.losses.map(\.argument) == [
                "-smp: sockets, cores, threads", "-device virtio-blk-pci: bootindex=1",
                "-device virtio-blk-pci: pci.1 0x0", "-vnc [::1]:3,password=on: its password",
                "the graphics card cirrus",
                #"-object {"qom-type":"memory-backend-ram","id":"pc.ram","size":2147483648}"#,
            ])
    }

    @Test(arguments: [
        ("127.0.0.1:7,password=on", "127.0.0.1"), (":7,password=on", "127.0.0.1"), ("[::]:7,password=on", "127.0.0.1"),
        (":7", "0.0.0.0"),
    ])
    func aScreenIsNotOpenedWithoutItsPassword(_ value: String, _ address: String) throws {
        let machine = AdoptedMachine(try facts(["-vnc", value]))
        #expect(lines(machine).contains("VNCBIND=\(address)"))
        #expect((machine.protectedScreen != nil) == value.contains("password"))
    }

    @Test(arguments: [
        ("-qmp unix:/a.sock,server=on,wait=off", ["/a.sock"]), ("-qmp unix:q.sock,server,nowait", ["/vms/1/q.sock"]),
        ("-qmp tcp:127.0.0.1:4444,server=on", []), ("-monitor unix:/h.sock,server=on", []),
        ("-chardev socket,id=a,path=/a -mon chardev=a,mode=control", ["/a"]),
        ("-chardev socket,id=a,path=/a -mon chardev=a,mode=readline", []),
    ])
    func monitors(_ text: String, _ expected: [String]) throws {
        let machine = try read(text)
        #expect(machine.monitors == expected)
        #expect(machine.hasHumanMonitor == text.hasPrefix("-monitor"))
        #expect(machine.losses.map(\.argument) == ["NET0: model e1000"])
    }

    @Test(arguments: [
        ("-nic user,hostfwd=tcp::2222-:22", "FORWARD0=tcp:0.0.0.0:2222:22"), ("-nic bridge,br=br9", "NET0=bridge:br9"),
        ("-nic tap,ifname=tap0,model=virtio -nic user", "NET1_MAC=52:54:00:12:34:57"),
        ("-nic none", "NET0=none"), ("-net none", "NET0=none"), ("-nic socket,listen=:1234", "NET0=none"),
        ("-nic tap,ifname=tap9", "NET0=none"), ("-rtc base=localtime", "RTC=localtime"), ("-k de", "KEYMAP=de"),
        ("-boot order=nd -nic user", "BOOT=net,cdrom"), ("-vga qxl", "VIDEO=qxl"), ("-vnc :2", "VNCBIND=0.0.0.0"),
        ("-drive file=a,if=none,id=x -device scsi-hd,drive=x", "DISK0_BUS=scsi"),
        ("-M q35 -hda a", "DISK0_BUS=sata"),
        ("-drive file=a,readonly=on,serial=x,cache=none", "DISK0_CACHE=none"), ("-cdrom a.iso", "CDROM0=/vms/1/a.iso"),
        ("-hdb b -hda a", "DISK1=/vms/1/b"),
        ("-drive if=none,id=d,file=a -device virtio-blk-pci,drive=d -drive if=virtio,file=b", "DISK1=/vms/1/b"),
        ("-drive if=virtio,file=b -drive if=none,id=d,file=a -device virtio-blk-pci,drive=d", "DISK1=/vms/1/b"),
        ("-drive if=virtio,file=a,index=1 -drive if=virtio,file=b,index=0", "DISK1=/vms/1/b"), ("-m 2G", "MEMORY=2G"),
        ("-smp sockets=2,cores=2", "CPUS=4"),
        ("-usb -device usb-host,hostbus=1", "QEMUARG1=usb-host,hostbus=1"), ("--nodefaults", "NET0=none"),
        ("-fsdev local,id=f,path=/x -device virtio-9p-pci,fsdev=f", "QEMUARG2=-fsdev"),
    ])
    func keys(_ text: String, _ line: String) throws {
        let found = lines(try read(text))
        #expect(found.contains(line))
    }

    @Test(arguments: [
        ("-snapshot", "-snapshot"), ("-incoming tcp:0:1", "-incoming tcp:0:1"), ("-tpmdev x,id=a", "-tpmdev x,id=a"),
        ("-nope x", "-nope x"), ("-drive if=pflash,file=f", "-drive if=pflash,file=f"),
        ("-hda nbd://h/x", "-hda nbd://h/x"), ("-nic socket,listen=:1", "-nic socket,listen=:1"),
        ("-device x,bus=pci.7", "-device x,bus=pci.7"), ("-boot once=d", "-boot once=d"),
        ("-add-fd fd=3,set=1", "-add-fd fd=3,set=1"), ("-drive file=a,if=none", "-drive file=a,if=none"),
        ("-m 1G,slots=3", "-m: slots=3"), ("-vnc unix:/x", "-vnc unix:/x"), ("-vga vmware", "the graphics card vmware"),
        ("-netdev user,id=x", "-netdev user,id=x"), ("-rtc base=2006-06-17", "-rtc base=2006-06-17"),
        ("-pflash x", "-pflash x"), ("-nic tap,ifname=tap9", "-nic tap,ifname=tap9"),
        ("-drive file=a,cyls=3", "-drive: cyls=3"),
    ])
    func isNamedAsLost(_ text: String, _ expected: String) throws {
        #expect(try read(text).losses.map(\.argument).contains(expected))
    }

    /// A process may write anything there.
    @Test(arguments: [
        ["-name", "a\nRUNAS=root"], ["-append", "$(reboot)\u{1}"], ["-m", "-1"], ["-smp", "99999999999999999999"],
        ["-smp", "sockets=255,cores=255,threads=255"], ["-vnc", ":99999999999999999999"], ["-drive", ",,,=,"],
        ["-device"], ["-net", "nic,nic,nic"], ["-uuid", "x'y"], ["-hda", "'; rm -rf / #"],
        ["-cdrom", "a\nDISK0=/etc/shadow"],
        ["-drive", "bus=9999999999,unit=9223372036854775807,file=x"], ["-drive", "file=x,index=-9223372036854775808"],
        ["-blockdev", "{\"a\":"], ["-device", "{\"driver\":{\"driver\":[]}}"], ["-nic", "user,hostfwd=----"], [""],
        ["-"],
        ["-boot", "\u{1b}[2J"], ["-chardev", "socket"], ["-mon", "chardev="], ["-qmp", "unix:"], ["-vnc", "["],
    ])
    func aHostileCommandLine(_ words: [String]) throws {
        var machine = AdoptedMachine(try facts(words))
        let text = try machine.text(name: try #require(VMName("web")), file: "/vms/web/vm.params", comment: "c")
        #expect(VMParams.parse(Array(text.utf8), file: "/vms/web/vm.params").errorCount == 0)
        // Each line is what it was meant to be, whatever is in it.
        let given = GivenKeys(in: text).values
        #expect(given[KeyName(.name)] == "web" && given[KeyName(.runAs)] == nil)
        for (key, value) in given where key != KeyName(.name) { #expect(machine.value(of: key) == value) }
        #expect(given.count == machine.lines.count + 1)
    }

    @Test func whatTheDecoderRefusesIsNamed() throws {
        var machine = try read("-k x;y -drive file=/a,serial=123456789012345678901 -smp 300 -nic none")
        let text = try machine.text(name: try #require(VMName("web")), file: "/vms/web/vm.params", comment: "c")
        #expect(text.hasPrefix("# c\nNAME=web\n") && text.contains("DISK0=/a\n"))
        let lost = machine.losses.map(\.argument).suffix(3)
        #expect(Set(lost) == ["KEYMAP=x;y", "DISK0_SERIAL=123456789012345678901", "CPUS=300"])
        #expect(text.contains("# Not taken over: CPUS=300: "))
    }

    @Test(arguments: ["microvm", "virt", "pc-0.12;x"])
    func aBoardThatKvmctlHasNot(_ board: String) throws {
        var machine = try read("-M \(board)")
        let name = try #require(VMName("web"))
        #expect { try machine.text(name: name, file: "/vms/web/vm.params", comment: "c") } throws: { error in
            (error as? VMError)?.code == .unavailable
        }
    }
}
