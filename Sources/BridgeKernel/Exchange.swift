import BridgeNet
import SystemPackage

/// Why a request got no good answer. It doesn't know what the request was for; `RouteSocket` adds that.
package enum ExchangeFailure: Error, Equatable {
    /// The socket failed.
    case socket(Errno)
    /// The kernel refused.
    case refused(Acknowledgement)
    /// What the kernel said makes no sense.
    case malformed(WireError)
    /// The dump was interrupted by changes, or a part of it lost, as often as it was tried.
    case interrupted
    /// The deadline passed.
    case timedOut
}

/// Requests and their answers, one at a time: every verb goes through `request`.
struct Exchange: ~Copyable {
    private let transport: any NetlinkTransport
    private let limit: Duration
    private var sequence: UInt32 = 0

    /// How often a dump is tried. On a host where taps come and go all the time an interruption is ordinary, so this
    /// is generous; it is there so that nothing goes on for ever.
    static let dumpAttempts = 16

    init(_ transport: any NetlinkTransport, limit: Duration) {
        self.transport = transport
        self.limit = limit
    }

    /// Sends a request and returns the messages that answer it, once the kernel has acknowledged it.
    mutating func request(_ request: any RouteRequest) throws(ExchangeFailure) -> [NetlinkMessage] {
        for _ in 0..<(request.isDump ? Self.dumpAttempts : 1) {
            sequence &+= 1
            do {
                try transport.send(request.encoded(sequence: sequence))
            } catch { throw .socket(error) }
            if let answer = try collect(isDump: request.isDump) { return answer }
        }
        throw .interrupted
    }

    /// The messages up to the acknowledgement or the dump's end; nil for a dump that has to be repeated.
    private func collect(isDump: Bool) throws(ExchangeFailure) -> [NetlinkMessage]? {
        let deadline = ContinuousClock.now + limit
        var messages: [NetlinkMessage] = []
        var isWhole = true
        while true {
            guard let datagram = try receive(until: deadline, isDump: isDump) else {
                isWhole = false
                continue
            }
            // Another sequence number is the late answer to a request that was given up.
            for message in datagram where message.sequence == sequence {
                if message.flags.contains(.dumpInterrupted) { isWhole = false }
                switch message.type {
                case NetlinkMessage.Control.noop: continue
                case NetlinkMessage.Control.overrun: isWhole = false
                case NetlinkMessage.Control.error, NetlinkMessage.Control.done:
                    try check(message)
                    return isWhole ? messages : nil
                default: messages.append(message)
                }
            }
        }
    }

    /// The messages of the next datagram from the kernel; nil if the kernel had to drop a part of a dump, whose end
    /// still comes.
    private func receive(
        until deadline: ContinuousClock.Instant, isDump: Bool
    ) throws(ExchangeFailure) -> [NetlinkMessage]? {
        while true {
            let left = ContinuousClock.now.duration(to: deadline)
            guard left > .zero else { throw .timedOut }
            let datagram: Datagram
            do {
                datagram = try transport.receive(within: left)
            } catch .interrupted {
                continue
            } catch .noBufferSpace where isDump {
                return nil
            } catch .timedOut {
                throw .timedOut
            } catch { throw .socket(error) }
            // Any process may send to our port; only port 0 is the kernel.
            guard datagram.sender == 0 else { continue }
            guard !datagram.isTruncated else { throw .socket(.messageTooLong) }
            do {
                return try NetlinkMessage.decode(datagram.bytes)
            } catch { throw .malformed(error) }
        }
    }

    /// Throws what an acknowledgement holds against the request.
    private func check(_ message: NetlinkMessage) throws(ExchangeFailure) {
        let verdict: Acknowledgement
        do {
            verdict = try Acknowledgement(decoding: message)
        } catch { throw .malformed(error) }
        guard verdict.code == 0 else { throw .refused(verdict) }
    }
}
