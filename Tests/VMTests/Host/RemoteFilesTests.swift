import Glibc
import SystemPackage
import Testing

@testable import BridgeKernel
@testable import VMCore
@testable import VMHost

@Suite struct MountTableTests {
    private func remote(_ lines: String...) -> [String: String] {
        let table = MountTable(Array(lines.map { "36 35 0:41 / \($0)\n" }.joined().utf8))
        return table.remote.reduce(into: [:]) { $0[$1.key.string] = $1.value.type }
    }

    @Test func knowsWhoseAnswerHasToBeWaitedFor() {
        #expect(remote("/ rw - ext4 /dev/vda rw", "/run rw shared:1 - tmpfs tmpfs rw") == [:])
        #expect(
            remote(
                "/vms rw shared:1 master:2 - nfs4 server:/vms rw", "/a rw - fuse.sshfs x rw", "/b rw - 9p share rw",
                "/c rw - virtiofs share rw", "/d rw - cifs //x/y rw", "/e rw - somethingnew x rw")
                == [
                    "/vms": "nfs4", "/a": "fuse.sshfs", "/b": "9p", "/c": "virtiofs", "/d": "cifs",
                    "/e": "somethingnew",
                ])
    }

    @Test func whatKvmctlItselfCameFromAndWhatBelongsToNobodyDoesNotCount() {
        #expect(remote("/ rw - nfs4 server:/root rw", "/proc/sys/fs/binfmt_misc rw - autofs systemd-1 rw") == [:])
        #expect(remote("/home rw - autofs auto.home rw") == ["/home": "autofs"])
    }

    @Test func theTopmostOfAPlaceCounts() {
        #expect(remote("/vms rw - nfs4 a:/b rw", "/vms rw - ext4 /dev/vdb rw") == [:])
        #expect(remote("/vms rw - ext4 /dev/vdb rw", "/vms rw - nfs4 a:/b rw") == ["/vms": "nfs4"])
    }

    @Test func readsOddNames() {
        let found = MountTable(Array(#"1 2 0:5 / /far\040off\134 rw - nfs4 a:/b rw"#.utf8)).remote
        #expect(found.keys.map(\.string) == [#"/far off\"#])
        #expect(found.values.map(\.device) == ["0:5"])
    }
}

/// Where a path leads, in a directory tree whose remote mounts exist only in a made-up table.
@Suite struct RemoteMountsTests {
    private let scratch: Scratch
    private let mounts: RemoteMounts

    init() throws {
        scratch = try Scratch()
        let line = "1 2 0:99 / \(scratch.path)/far rw - nfs4 server:/far rw\n"
        mounts = RemoteMounts(MountTable(Array(line.utf8)))
    }

    private func isRemote(_ path: String) -> Bool { mounts.mount(on: FilePath("\(scratch.path)/\(path)")) != nil }

    private func link(_ name: String, to target: String) {
        _ = scratch.path.appending(name).withPlatformString { symlink(target, $0) }
    }

    @Test func whatLiesOnOneOrBelow() {
        #expect(isRemote("far") && isRemote("far/a/vm.params") && isRemote("far/../near"))
        #expect(!isRemote("") && !isRemote("near") && !isRemote("farther") && !isRemote("near/far"))
    }

    @Test func throughLinks() {
        link("absolute", to: "\(scratch.path)/far/a")
        link("relative", to: "./far/a")
        link("up", to: "../\(scratch.path.lastComponent?.string ?? "")/far")
        link("twice", to: "relative")
        link("circle", to: "circle")
        link("near", to: "/")
        for name in ["absolute", "relative", "up", "twice", "relative/b/vm.params"] {
            #expect(isRemote(name), "\(name)")
        }
        #expect(!isRemote("circle") && !isRemote("near") && !isRemote("near/vms"))
    }
}

@Suite struct RemoteReaderTests {
    @Test func seesWhatOneselfWouldSee() throws {
        let scratch = try Scratch()
        let file = scratch.path.appending("file")
        let content = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 / 7) }
        try replaceFile(file, with: content, permissions: 0o640)
        let reader = RemoteReader()
        #expect(try reader.read(file, limit: 1 << 20).bytes == content)
        #expect(try reader.read(file, limit: 1000).bytes == Array(content[..<1000]))
        #expect(try reader.status(of: file)?.st_mode == status(of: file)?.st_mode)
        #expect(try reader.status(of: scratch.path.appending("none")) == nil)
        #expect(try Set(reader.names(in: scratch.path)) == [".", "..", "file"])
        #expect(throws: Errno.notDirectory) { try reader.names(in: file) }
        #expect(throws: Errno.noSuchFileOrDirectory) { try reader.read("/none", limit: 1) }
    }

    @Test func neitherLinksNorPipesKeepItWaiting() throws {
        let scratch = try Scratch()
        let (pipe, link) = (scratch.path.appending("pipe"), scratch.path.appending("link"))
        _ = pipe.withPlatformString { mkfifo($0, 0o600) }
        _ = link.withPlatformString { symlink("/etc/passwd", $0) }
        let reader = RemoteReader()
        #expect(try reader.read(pipe, limit: 10).bytes == [])
        #expect(throws: Errno.tooManySymbolicLinkLevels) { try reader.read(link, limit: 10, followsLinks: false) }
    }

    @Test func tellsLinksFromWhatTheyLeadTo() throws {
        let scratch = try Scratch()
        let (link, dangling, plain) = (
            scratch.path.appending("link"), scratch.path.appending("dangling"), scratch.path.appending("plain")
        )
        _ = link.withPlatformString { symlink("/etc/passwd", $0) }
        _ = dangling.withPlatformString { symlink("/nothing/there", $0) }
        try replaceFile(plain, with: [], permissions: 0o600)
        let reader = RemoteReader()
        let paths = [link, dangling, plain, scratch.path, scratch.path.appending("nothing")]
        #expect(try paths.map(reader.isLink) == [true, true, false, false, false])
        #expect(try paths.map(isLink) == [true, true, false, false, false])
    }

    /// A directory with more names than the kernel returns at once.
    @Test func readsLongDirectories() throws {
        let scratch = try Scratch()
        let names = (0..<600).map { "\($0)-" + String(repeating: "long", count: 40) }
        for name in names {
            _ = try OwnedDescriptor.open(scratch.path.appending(name), .writeOnly, flags: O_CREAT, permissions: 0o600)
        }
        #expect(try Set(RemoteReader().names(in: scratch.path)).subtracting([".", ".."]) == Set(names))
    }
}
