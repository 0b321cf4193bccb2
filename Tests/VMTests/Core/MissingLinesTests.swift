import SystemPackage
import Testing

@testable import VMCore

/// What an old params file lacks.
@Suite struct MissingLinesTests {
    private func lines(_ text: String, macs: [Int: String] = [:]) throws -> [String] {
        let params = try #require(VMParams.parse(Array(text.utf8), file: "/vms/web/vm.params").params)
        return params.missingLines(Identity(params, machineID: "m"), macs: macs) { board in
            MachineModel("\(board == .pc ? "pc-i440fx" : "pc-q35")-7.2") ?? board
        }.map { "\(ParamsLine($0.key, $0.value)) \($0.reason)" }
    }

    private static let uuid = "\(Identity.derivedUUID(machineID: "m", file: "/vms/web/vm.params"))".lowercased()

    @Test func aFileOf2010() throws {
        let text = "MAC=52:54:00:00:00:01\nDISK0=/vms/1/vdisk0\nDISK1=/vms/1/vdisk1\nMEMORY=512\nVNCDISP=0\n"
        let expected = [
            "NAME=web nameOfPath", "UUID=\(Self.uuid) derivedUUID", "MACHINE=pc-i440fx-7.2 boardOf2010",
        ]
        #expect(try lines(text) == expected)
        #expect(try lines(text + "DISK0_FORMAT=qcow2\n") == expected)
        // As `create` makes them.
        #expect(try lines("UUID=\(Self.uuid)\nMACHINE=pc-q35-7.2\nNET0=none\n").isEmpty)
        #expect(try lines(text + "CPUS=2\n")[2] == "MACHINE=pc-q35-7.2 boardOfToday")
    }

    @Test(arguments: [
        ("", "MAC"), ("BRIDGE=br1\n", "MAC"), ("NET0=user\n", "NET0_MAC"), ("NET0=none\nNET1=user\n", "NET1_MAC"),
    ])
    func wordsForTheMAC(_ text: String, _ key: String) throws {
        let whole = "NAME=a\nMACHINE=pc\nUUID=\(Self.uuid)\n\(text)"
        let mac = "\(key)=52:54:00:00:00:02"
        #expect(try lines(whole, macs: [0: "52:54:00:00:00:02", 1: "52:54:00:00:00:02"]) == ["\(mac) derivedMAC"])
        #expect(try lines("\(whole)\(mac)\n").isEmpty)
    }
}
