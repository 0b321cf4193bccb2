import Glibc
import SystemPackage
import Testing

@testable import BridgeKernel
@testable import VMCore
@testable import VMHost
@testable import VMLife

@Suite struct QMPMessageTests {
    @Test func aCommandIsOneLineWithSortedKeys() {
        let command = QMPCommand("qom-set", ["value": 1000, "path": "/machine/x", "property": "bootindex"])
        let line =
            #"{"arguments":{"path":"/machine/x","property":"bootindex","value":1000},"execute":"qom-set","id":7}"#
        #expect(command.line(id: 7) == line)
        #expect(QMPCommand("cont").line() == #"{"execute":"cont"}"#)
    }

    @Test func readsEveryKindOfMessage() {
        func message(_ text: String) -> QMPMessage? { QMPMessage(line: text.utf8) }
        #expect(message(#"{"QMP": {"version": {}, "capabilities": ["oob"]}}"#) == .greeting)
        #expect(message(#"{"return": {"status": "running"}, "id": 3}"#) == .reply(id: 3, ["status": "running"]))
        #expect(
            message(#"{"error": {"class": "GenericError", "desc": "no"}, "id": 4}"#)
                == .failure(id: 4, className: "GenericError", description: "no"))
        let event = #"{"timestamp": {"seconds": 2, "microseconds": 5}, "event": "STOP"}"#
        guard case .event(let stop)? = message(event) else {
            Issue.record("no event")
            return
        }
        #expect(stop.name == "STOP")
        #expect(stop.microseconds == 2_000_005)
    }

    @Test(arguments: ["", "{", "[]", "null", "{}", "\u{0}", #"{"event": 1}"#, String(repeating: "[", count: 5000)])
    func refusesWhatIsNoMessage(_ text: String) { #expect(QMPMessage(line: text.utf8) == nil) }
}

/// A real socket, with the other end played by the test: QEMU does not misbehave on demand.
@Suite struct QMPClientTests {
    /// A QEMU that has already sent a whole script.
    private final class Peer {
        private let descriptor: CInt
        /// The client's end.
        let socket: CInt

        init(_ script: String, closing: Bool = false) throws {
            var pair: [CInt] = [0, 0]
            try #require(socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0, &pair) == 0)
            (socket, descriptor) = (pair[0], pair[1])
            _ = fcntl(socket, F_SETFL, O_NONBLOCK)
            try writeAll(Array(script.utf8), to: FileDescriptor(rawValue: descriptor))
            if closing { shutdown(descriptor, CInt(SHUT_WR)) }
        }

        deinit { close(descriptor) }

        /// Repeats it until nobody listens.
        func talk(_ line: String) -> Task<Void, Never> {
            let (descriptor, bytes) = (descriptor, Array(line.utf8))
            return Task.detached { while send(descriptor, bytes, bytes.count, CInt(MSG_NOSIGNAL)) > 0 {} }
        }

        func client(within limit: Duration = .seconds(5)) throws(QMPClient.Failure) -> QMPClient {
            try QMPClient(OwnedDescriptor(FileDescriptor(rawValue: socket)), by: Deadline(in: limit))
        }
    }

    private let greeting = #"{"QMP": {}}"# + "\n" + #"{"return": {}, "id": 1}"# + "\n"

    @Test func findsItsReplyBetweenEvents() throws {
        let peer = try Peer(
            greeting + #"{"event": "RESUME"}"# + "\r\n" + #"{"return": {"status": "running"}, "id": 2}"# + "\n")
        var client = try peer.client()
        #expect(try client.execute(.status, by: Deadline(in: .seconds(5))) == RunState("running"))
        withExtendedLifetime(peer) {}
    }

    @Test func saysWhenQEMUIsSilent() throws {
        let peer = try Peer(#"{"QMP": {}}"# + "\n")
        #expect(throws: QMPClient.Failure.silent) { _ = try peer.client(within: .milliseconds(50)) }
        withExtendedLifetime(peer) {}
    }

    @Test func talkWithoutEndIsNoAnswer() async throws {
        let peer = try Peer(#"{"QMP": {}}"# + "\n")
        let flood = peer.talk(#"{"event": "RTC_CHANGE"}"# + "\n")
        #expect(throws: QMPClient.Failure.silent) { _ = try peer.client(within: .milliseconds(500)) }
        await flood.value
    }

    @Test func saysWhenQEMUIsGone() throws {
        let peer = try Peer(#"{"QMP": {}}"# + "\n" + #"{"return""#, closing: true)
        #expect(throws: QMPClient.Failure.closed) { _ = try peer.client() }
        withExtendedLifetime(peer) {}
    }

    @Test func saysWhenItIsNotQMP() throws {
        let peer = try Peer("SSH-2.0-OpenSSH_9.2\r\n")
        #expect(throws: QMPClient.Failure.malformed) { _ = try peer.client() }
        withExtendedLifetime(peer) {}
    }

    @Test func saysWhenAReplyIsNotWhatTheSchemaPromises() throws {
        let peer = try Peer(greeting + #"{"return": {"running": true}, "id": 2}"# + "\n")
        var client = try peer.client()
        #expect(throws: QMPClient.Failure.malformed) {
            _ = try client.execute(.status, by: Deadline(in: .seconds(5)))
        }
        withExtendedLifetime(peer) {}
    }

    @Test func passesARefusalOn() throws {
        let peer = try Peer(
            greeting + #"{"error": {"class": "CommandNotFound", "desc": "unknown"}, "id": 2}"# + "\n")
        var client = try peer.client()
        var failure: QMPClient.Failure?
        do throws(QMPClient.Failure) {
            _ = try client.execute(QMPRequest<Void>("x"), by: Deadline(in: .seconds(5)))
        } catch {
            failure = error
        }
        #expect(failure == .refused(className: "CommandNotFound", "unknown"))
        withExtendedLifetime(peer) {}
    }
}
