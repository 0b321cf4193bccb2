import SystemPackage
import Testing

@testable import BridgeKernel
@testable import BridgeNet

/// Exchanges with the kernel, against a scripted one.
@Suite struct RouteSocketTests {
    private typealias Kernel = ScriptedTransport
    private let name: InterfaceName
    private let up = LinkSettings(isUp: true)
    private let down = LinkSettings(isUp: false)

    init() throws { name = try #require(InterfaceName("br0")) }

    private func bringUp(_ kernel: ScriptedTransport) throws {
        var socket = RouteSocket(transport: kernel)
        try socket.perform(.change(name, from: down, to: up))
    }

    @Test func aLinkIsOneRequest() throws {
        let kernel = Kernel([Kernel.says(KernelReplies.bridge), Kernel.says(KernelReplies.acknowledgement)])
        var socket = RouteSocket(transport: kernel)
        #expect(try socket.link(named: name)?.index == 5)
        #expect(kernel.sent.map(\.type) == [LinkWire.getLink])
        #expect(kernel.left == 0)
    }

    @Test func aLinkThatIsNotThereIsNil() throws {
        var socket = RouteSocket(transport: Kernel([Kernel.says(KernelReplies.noDevice)]))
        #expect(try socket.link(named: name) == nil)
    }

    @Test func aDumpComesInParts() throws {
        let kernel = Kernel([
            Kernel.says(KernelReplies.loopbackPart), Kernel.says(KernelReplies.tapPart, KernelReplies.dumpEnd),
        ])
        var socket = RouteSocket(transport: kernel)
        #expect(try socket.links().map(\.name) == ["lo", "tap0"])
    }

    @Test(arguments: [true, false])
    func anInterruptedDumpIsRepeated(atItsEnd: Bool) throws {
        let part = KernelReplies.flagged(KernelReplies.loopbackPart, atItsEnd ? [] : .dumpInterrupted)
        let end = KernelReplies.flagged(KernelReplies.dumpEnd, atItsEnd ? .dumpInterrupted : [])
        let kernel = Kernel([
            Kernel.says(part, end), Kernel.says(KernelReplies.tapPart, KernelReplies.dumpEnd),
        ])
        var socket = RouteSocket(transport: kernel)
        #expect(try socket.links().map(\.name) == ["tap0"])
        #expect(kernel.sent.map(\.sequence) == [1, 2])
    }

    @Test func aDumpThatIsAlwaysInterruptedEnds() {
        let end = KernelReplies.flagged(KernelReplies.dumpEnd, .dumpInterrupted)
        let kernel = Kernel(Array(repeating: Kernel.says(end), count: 100))
        var socket = RouteSocket(transport: kernel)
        let error = #expect(throws: NetworkError.self) { try socket.links() }
        #expect(error?.code == .busy)
        #expect(kernel.sent.count == 16)
    }

    @Test func aDumpWithALostPartIsRepeatedOnceItsEndCame() throws {
        let kernel = Kernel([
            Kernel.fails(.noBufferSpace), Kernel.says(KernelReplies.dumpEnd),
            Kernel.says(KernelReplies.tapPart, KernelReplies.dumpEnd),
        ])
        var socket = RouteSocket(transport: kernel)
        #expect(try socket.links().map(\.name) == ["tap0"])
        #expect(kernel.sent.count == 2)
    }

    @Test func aLostAcknowledgementIsAnErrorAndNotRepeated() {
        let kernel = Kernel([Kernel.fails(.noBufferSpace)])
        let error = #expect(throws: NetworkError.self) { try bringUp(kernel) }
        #expect(error?.errno == .noBufferSpace)
        #expect(kernel.sent.count == 1)
    }

    @Test func aLateAnswerToAnotherRequestIsPassedOver() throws {
        let late: Kernel.Answer = { sequence in
            .success(Datagram(bytes: KernelReplies.numbered(sequence &- 1, KernelReplies.refusal)))
        }
        let kernel = Kernel([late, Kernel.says(KernelReplies.acknowledgement)])
        try bringUp(kernel)
        #expect(kernel.left == 0)
    }

    @Test func anotherProcessIsNotBelieved() throws {
        let forged: Kernel.Answer = { sequence in
            .success(Datagram(bytes: KernelReplies.numbered(sequence, KernelReplies.refusal), sender: 4711))
        }
        try bringUp(Kernel([forged, Kernel.says(KernelReplies.acknowledgement)]))
    }

    @Test func aSignalDoesNotEndTheWait() throws {
        try bringUp(Kernel([Kernel.fails(.interrupted), Kernel.says(KernelReplies.acknowledgement)]))
    }

    @Test func silenceIsATimeout() {
        let error = #expect(throws: NetworkError.self) { try bringUp(Kernel([])) }
        #expect(error?.code == .timedOut)
    }

    @Test func chatterDoesNotPutTheDeadlineOff() {
        let stray: Kernel.Answer = { _ in .success(Datagram(bytes: KernelReplies.dumpEnd, sender: 9)) }
        let kernel = Kernel(Array(repeating: stray, count: 50))
        var socket = RouteSocket(transport: kernel, limit: .zero)
        let error = #expect(throws: NetworkError.self) { try socket.links() }
        #expect(error?.code == .timedOut)
    }

    @Test func aTruncatedDatagramIsAnError() {
        let cut: Kernel.Answer = { _ in .success(Datagram(bytes: KernelReplies.bridge, isTruncated: true)) }
        let error = #expect(throws: NetworkError.self) { try bringUp(Kernel([cut])) }
        #expect(error?.errno == .messageTooLong)
    }

    @Test func nonsenseIsMalformed() {
        let error = #expect(throws: NetworkError.self) { try bringUp(Kernel([Kernel.says([1, 2, 3])])) }
        #expect(error?.code == .malformed("message header of 4 bytes where only 3 are left"))
    }

    @Test func aRefusalKeepsTheKernelsWords() {
        let error = #expect(throws: NetworkError.self) { try bringUp(Kernel([Kernel.says(KernelReplies.refusal)])) }
        #expect(error?.code == .invalid)
        #expect(error?.errno == .invalidArgument)
        #expect(error?.kernelMessage == "no such MTU")
        #expect(error?.description == "br0: setting up: Invalid argument (no such MTU)")
    }
}
