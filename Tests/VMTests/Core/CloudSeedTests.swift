import FoundationEssentials
import SystemPackage
import Testing

@testable import VMCore

@Suite struct CloudSeedTests {
    private static let uuid = UUID("c9a3ff0e-51c5-4a5e-9b44-4f6d5b1f7a10")

    /// The examples of FIPS 180-2, and lengths around the padding's limits.
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
        (
            String(repeating: "a", count: 55),
            "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318"
        ),
        (
            String(repeating: "a", count: 64),
            "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb"
        ),
    ])
    func sums(_ text: String, _ sum: String) { #expect(SHA256.digits(of: text.utf8) == sum) }

    private func seed(
        _ userData: String?, network: String? = nil, hostname: String = "web"
    ) throws -> CloudSeed {
        CloudSeed(
            uuid: try #require(Self.uuid), hostname: hostname, userData: userData.map { Array($0.utf8) },
            networkConfig: network.map { Array($0.utf8) })
    }

    @Test func anotherInstanceExactlyIfWhatItIsToldIsAnother() throws {
        let first = try seed("#cloud-config\n")
        #expect(first.instanceID.hasPrefix("c9a3ff0e-51c5-4a5e-9b44-4f6d5b1f7a10-"))
        #expect(try seed("#cloud-config\n").instanceID == first.instanceID)
        #expect(try seed("#cloud-config\n", hostname: "db").instanceID == first.instanceID)
        #expect(try seed("#cloud-config\n\n").instanceID != first.instanceID)
        #expect(try seed("", network: "#cloud-config\n").instanceID != first.instanceID)
        #expect(try seed(nil).instanceID == seed("").instanceID)
    }

    @Test func theImageIsSmallAndAlwaysTheSame() throws {
        let seed = try seed(String(repeating: "x", count: 5000), network: "version: 2\n")
        let (bytes, size) = seed.image
        #expect(size == 4 << 20 && bytes.count < 32 << 10 && bytes == seed.image.bytes)
        #expect(bytes[446..<510].allSatisfy { $0 == 0 } && bytes[510..<512] == [0x55, 0xaa])
        #expect(String(decoding: bytes[0x36..<0x3e], as: UTF8.self) == "FAT12   ")
        #expect(String(decoding: bytes, as: UTF8.self).contains("local-hostname: \"web\""))
    }

    @Test func theLargestFilesFit() {
        let files = (0..<3).map { ("file\($0)", [UInt8](repeating: 1, count: CloudSeed.fileLimit)) }
        #expect(FATImage(label: "CIDATA", files).bytes.count <= FATImage.size)
        #expect(3 * CloudSeed.fileLimit <= FATImage.capacity)
    }

    @Test(arguments: [
        ("web", "web"), ("lab_1", "lab-1"), ("a.b", "a.b"), ("_a_", "a"), ("...", "vm"), ("1", "1"), ("a..b", "a.b"),
        ("_._", "vm"),
    ])
    func makesAHostNameOfAName(_ name: String, _ hostname: String) throws {
        let made = CloudSeed.hostname(of: try #require(VMName(name)))
        #expect(made == hostname)
        #expect(try ParamsDecoder.hostname(made) == made)
    }

    @Test(arguments: [
        ("#cloud-config\n", true), ("\n  #Cloud-Config\n", true), ("#!/bin/sh\n", true), ("## template: jinja\n", true),
        ("Content-Type: multipart/mixed\n", true), ("From nobody\nMIME-Version: 1.0\n", true), ("", true),
        ("users: []\n", false), ("# cloud-config\n", false), ("\u{feff}#cloud-config\n", false),
        ("#cloudconfig\n", false),
    ])
    func knowsWhatCloudInitIgnores(_ text: String, _ isKnown: Bool) {
        #expect((UserDataKind.notice(of: Array(text.utf8), in: "/u") == nil) == isKnown)
    }

    @Test func knowsGzip() { #expect(UserDataKind.notice(of: [0x1f, 0x8b, 8, 0], in: "/u") == nil) }

    @Test func knowsScriptsThatWindowsWrote() {
        let notice = UserDataKind.notice(of: Array("#!/bin/sh\r\nreboot\r\n".utf8), in: "/u")
        #expect(notice?.hasPrefix("the guest can't run /u: its lines end in CR LF") == true)
        #expect(UserDataKind.notice(of: Array("#cloud-config\r\n".utf8), in: "/u") == nil)
    }
}
