import BridgeNet
import SystemPackage

/// Why a request failed. It does not know what the request was for; `RouteSocket` adds that.
package enum ExchangeFailure: Error, Equatable {
    /// The socket failed.
    case socket(Errno)
    /// The kernel refused.
    case refused(Acknowledgement)
    /// The kernel's answer is malformed.
    case malformed(WireError)
    /// On every attempt the dump was interrupted by changes, or part of it was lost.
    case interrupted
    /// The deadline passed.
    case timedOut
}

/// Sends requests and collects their answers, one at a time. Every netlink request goes through `request`.
struct Exchange: ~Copyable {
    private let transport: any NetlinkTransport
    private let limit: Duration
    private var sequence: UInt32 = 0

    /// How many times a dump is tried. Where taps come and go all the time, interruptions are normal, so this is
    /// generous. It only prevents an endless loop.
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

    /// The messages up to the acknowledgement or the end of the dump; nil for a dump that has to be repeated.
    private func collect(isDump: Bool) throws(ExchangeFailure) -> [NetlinkMessage]? {
        let deadline = ContinuousClock.now + limit
        var messages: [NetlinkMessage] = []
        var isWhole = true
        while true {
            guard let datagram = try receive(until: deadline, isDump: isDump) else {
                isWhole = false
                continue
            }
            // Another sequence number means a late answer to an abandoned request.
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

    /// The messages of the next datagram from the kernel; nil if the kernel had to drop part of a dump. The end of that
    /// dump still arrives.
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

    /// Throws if the acknowledgement reports an error.
    private func check(_ message: NetlinkMessage) throws(ExchangeFailure) {
        let verdict: Acknowledgement
        do {
            verdict = try Acknowledgement(decoding: message)
        } catch { throw .malformed(error) }
        guard verdict.code == 0 else { throw .refused(verdict) }
    }
}
