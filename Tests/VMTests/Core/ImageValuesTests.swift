import SystemPackage
import Testing

@testable import VMCore

@Suite struct ImageValuesTests {
    @Test(arguments: [
        ("/x/debian-12.qcow2", "debian-12"), ("/x/debian.raw.xz", "debian"), ("/x/a.img.gz", "a"),
        ("/x/a.qcow2.zst", "a"),
        ("/x/a b.raw", nil), ("/x/.raw", nil), ("/x/-a.raw", nil), ("/x/..raw", nil), ("/x/disk", "disk"),
    ])
    func namesAnImageByItsFile(_ file: String, _ name: String?) {
        #expect(ImageName(ofFile: FilePath(file))?.description == name)
    }

    @Test(arguments: [
        ("debian.qcow2", "debian"), ("debian.raw", "debian"), ("debian.img", "debian"), ("debian.qcow2.sha256", nil),
        ("debian", nil), ("debian.raw.xz", nil), ("x\u{1b}.raw", nil),
    ])
    func knowsTheFilesOfALibrary(_ file: String, _ name: String?) {
        #expect(ImageName(inLibrary: file)?.description == name)
    }

    @Test func readsSums() {
        let digits = String(repeating: "0aF9", count: 16)
        #expect(ImageSum("\(digits)  debian.qcow2\n")?.digits == digits.lowercased())
        #expect(ImageSum(digits)?.digits == digits.lowercased())
        for text in ["", "\(digits)0", String(digits.dropLast()), "g\(digits.dropFirst())"] {
            #expect(ImageSum(text) == nil)
        }
    }

    @Test func tellsHowItIsPacked() {
        #expect(Packing(header: [0x1f, 0x8b, 8]) == .gzip)
        #expect(Packing(header: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]) == .xz)
        #expect(Packing(header: [0x28, 0xb5, 0x2f, 0xfd]) == .zstd)
        #expect(Packing(header: [0x51, 0x46, 0x49, 0xfb]) == nil && Packing(header: []) == nil)
    }

    @Test func writesUserData() throws {
        let keys = try NewUserData.keys(
            in: Array("# mine\nssh-ed25519 AAAA ann \"x\"\n\necdsa-sha2-nistp256 BB\n".utf8), of: "k")
        #expect(keys == ["ssh-ed25519 AAAA ann \"x\"", "ecdsa-sha2-nistp256 BB"])
        let text = NewUserData(keys: keys, password: "a: #b").text
        #expect(text.hasPrefix("#cloud-config\n"))
        #expect(text.contains("\nssh_authorized_keys:\n  - \"ssh-ed25519 AAAA ann \\\"x\\\"\"\n"))
        #expect(text.hasSuffix("\npassword: \"a: #b\"\nchpasswd: {expire: false}\n"))
        #expect(UserDataKind.notice(of: Array(text.utf8), in: "/u") == nil)
    }

    @Test(arguments: ["", "# none\n", "hello\n", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n"])
    func refusesWhatIsNoKey(_ text: String) {
        #expect(throws: VMError.self) { try NewUserData.keys(in: Array(text.utf8), of: "k") }
    }

    @Test func readsAPassword() throws {
        #expect(try NewUserData.password(in: Array("$6$x\r\nmore".utf8), of: "p") == "$6$x")
        #expect(throws: VMError.self) { try NewUserData.password(in: Array("\n".utf8), of: "p") }
    }
}
