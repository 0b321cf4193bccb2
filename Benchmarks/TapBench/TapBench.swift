import BridgeKernel
import BridgeNet
import SystemPackage

/// `TapBench BRIDGE COUNT`: creates taps as a start does, each with an alias, joined to the bridge and up, then deletes
/// them all at once. Prints both times as JSON, in nanoseconds. The first tap pays for the code pages that all later
/// ones share, as the only tap of a `kvmctl start` does.
@main
struct TapBench {
    static func main() throws {
        guard CommandLine.arguments.count == 3, let bridge = InterfaceName(CommandLine.arguments[1]),
            let count = Int(CommandLine.arguments[2])
        else { throw Misuse(usage: "TapBench BRIDGE COUNT") }

        let clock = ContinuousClock()
        var held: [CInt] = []
        held.reserveCapacity(count)
        var first = Duration.zero
        let begun = clock.now
        var socket = try RouteSocket()
        for number in 1...count {
            let tap = try Tap()
            let name = tap.name
            try tap.join(bridge: bridge, alias: "vm\(number)", using: &socket)
            held.append(tap.release())
            if number == 1 { first = begun.duration(to: clock.now) }
            try socket.perform(.change(name, from: LinkSettings(group: 0), to: LinkSettings(group: Self.group)))
        }
        let made = clock.now
        try socket.deleteLinks(ofGroup: Self.group)
        for descriptor in held { try FileDescriptor(rawValue: descriptor).close() }
        let gone = clock.now
        let times = [("first", first), ("make", begun.duration(to: made)), ("remove", made.duration(to: gone))]
        print("{" + times.map { "\"\($0)\": \(nanoseconds($1))" }.joined(separator: ", ") + "}")
    }

    /// A group that no other link has.
    private static let group: UInt32 = 1000

    private static func nanoseconds(_ duration: Duration) -> Int64 { Int64(duration / .nanoseconds(1)) }
}

/// It was called with wrong arguments.
struct Misuse: Error {
    let usage: String
}
