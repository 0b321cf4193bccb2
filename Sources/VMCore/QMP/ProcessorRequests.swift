// What QEMU's monitor is asked about processors and its own network, where only its command line for people tells (QEMU,
// docs/system/monitor), by what it returns.

extension QMPRequest<HaltedProcessors> {
    /// Which processors wait for an interrupt (HLT).
    package static var haltedProcessors: Self {
        .init("human-monitor-command", ["command-line": "info registers -a"]) { answer in
            answer.string.map { HaltedProcessors(registers: $0) }
        }
    }
}

extension QMPRequest<String> {
    /// The connections of QEMU's own network (`user`).
    package static var userNetwork: Self {
        .init("human-monitor-command", ["command-line": "info usernet"]) { $0.string }
    }
}

/// What `info registers -a` says of processors: of each x86 one a line with `EFL=00000046` and `HLT=1`.
package struct HaltedProcessors: Equatable, Sendable {
    /// How many it tells of, how many of them are halted with interrupts off, and how many with interrupts on.
    let count: Int
    let frozen: Int
    let idle: Int

    /// Reads the text; processors of other kinds are none.
    package init(registers text: String) {
        let interrupts: UInt64 = 0x200
        let lines = text.split(whereSeparator: \.isNewline).compactMap {
            line -> (isHalted: Bool, hasInterrupts: Bool)? in
            let words = line.split(separator: " ")
            guard let flags = words.first(where: { $0.hasPrefix("EFL=") || $0.hasPrefix("RFL=") }),
                let value = UInt64(flags.dropFirst(4), radix: 16),
                let halt = words.first(where: { $0.hasPrefix("HLT=") })
            else { return nil }
            return (halt == "HLT=1", value & interrupts != 0)
        }
        count = lines.count
        frozen = lines.filter { $0.isHalted && !$0.hasInterrupts }.count
        idle = lines.filter { $0.isHalted && $0.hasInterrupts }.count
    }

    /// Whether it tells of any, and nothing but a reset gets them on.
    package var areAllFrozen: Bool { count > 0 && frozen == count }
    /// Whether one waits for something to do.
    package var isAnyIdle: Bool { idle > 0 }
}

/// What QEMU's own network tells of connections to a forwarded port: it accepts each at once, whatever the guest does.
///
/// It does not tell from where they came, but the descriptor of each.
package struct ForwardedConnections: Equatable, Sendable {
    /// How far one is.
    package enum Progress: Equatable, Sendable {
        /// The guest has accepted it, even if it has closed it by now.
        case established
        /// The guest has not answered yet.
        case waiting
        /// It is not there any more: the guest refused it.
        case gone
    }

    private var states: [Int: Substring] = [:]

    /// Reads them in the text of `info usernet`.
    ///
    /// - Parameter port: the port of the guest that it leads to.
    package init(in text: String, from hostPort: UInt16, to port: UInt16) {
        // `  TCP[ESTABLISHED]   91       127.0.0.1  2222       10.0.2.15    22     0     0`
        for line in text.split(whereSeparator: \.isNewline) {
            let words = line.split(separator: " ")
            guard words.count > 5, words[0].hasPrefix("TCP["), let descriptor = Int(words[1]),
                words[3] == String(hostPort), words[5] == String(port), words[0] != "TCP[HOST_FORWARD]"
            else { continue }
            states[descriptor] = words[0].dropFirst("TCP[".count).dropLast()
        }
    }

    /// How far a connection is that was made after others were seen.
    package func newest(since before: ForwardedConnections) -> Progress {
        let new = states.filter { before.states[$0.key] == nil }.values
        guard !new.isEmpty else { return .gone }
        let unanswered: Set<Substring> = ["CLOSED", "LISTEN", "SYN_SENT", "SYN_RCVD"]
        return unanswered.isSuperset(of: new) ? .waiting : .established
    }
}
