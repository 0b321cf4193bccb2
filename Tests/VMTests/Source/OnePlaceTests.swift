import Foundation
import SystemPackage
import Testing

@testable import VMCore
@testable import VMHost

/// A fact that code could easily state again stands in one file.
@Suite struct OnePlaceTests {
    private static let homes: [String: Set<String>] = [
        // The first VNC port, and the last display.
        "5900": ["VNCPort.swift"], "59635": [],
        // QEMU's prefix of MACs.
        "0x5254": ["Identity.swift"],
        "CLOCK_BOOTTIME": ["Clock.swift"], "\"/proc/meminfo\"": ["MemoryProbe.swift"],
        "overcommit_memory\"": ["MemoryProbe.swift"],
        // How far a sparse file may still grow.
        "clamping: file.st_blocks": ["FileSystemSpace.swift"],
        // The kind of a tap, and the module that makes it.
        "\"tun\"": ["Link.swift", "HostSurvey.swift"],
        "ascii: \"z\"": ["PlainWord.swift"],
    ]

    private static let sources = Result { try SourceTree.swiftFiles(below: "Sources") }

    @Test(arguments: homes.sorted { $0.key < $1.key })
    func standsInOneFile(_ fact: String, _ files: Set<String>) throws {
        let found = try Self.sources.get().filter { file in
            file.text.contains(fact)
                && file.text.split(separator: "\n").contains { line in
                    !line.drop { $0 == " " }.hasPrefix("//") && line.contains(fact)
                }
        }
        #expect(Set(found.map(\.name)) == files)
    }

    @Test func portsAndDisplaysAreOnes() {
        #expect(VNCPort(display: 0)?.number == 5900)
        #expect(VNCPort(display: 59635)?.number == 65535)
        #expect(VNCPort(display: 59636) == nil && VNCPort(display: -1) == nil && VNCPort(5899) == nil)
        #expect(VNCPort(5901)?.display == 1)
    }

    @Test func aDiskOfTwoVMsGrowsOnce() throws {
        let scratch = try Scratch()
        let path = scratch.path.appending("disk")
        let disk = try FileDescriptor.open(path, .writeOnly, options: .create, permissions: .ownerReadWrite)
        try disk.resize(to: 1 << 20)
        try disk.close()
        let vms = try ["a", "b"].map { name in
            try #require(VMParams.parse(Array("DISK0=\(path)\n".utf8), file: FilePath("/vms/\(name)/vm.params")).params)
        }
        let systems = SpaceCheck.Growth(of: vms).systems
        #expect(systems.values.map(\.size) == [ByteCount(bytes: 1 << 20)])
        #expect(systems.values.map(\.sample) == [path])
    }

    @Test func theKernelSaysHowMuchMemoryThereIs() throws {
        let total = try #require(HostMemory().ram)
        #expect(total.bytes > 64 << 20)
        let condition = try #require(MemoryCondition())
        #expect(condition.total == total && condition.available <= total + total)
    }
}
