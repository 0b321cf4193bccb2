// What QEMU's monitor is asked about processors and its own network, where only its command line for people tells (QEMU,
// docs/system/monitor), by what it returns.

extension QMPRequest<Bool> {
    /// Whether all processors wait for an interrupt (HLT) with interrupts off: nothing but a reset gets them out of that.
    package static var areProcessorsFrozen: Self {
        .init("human-monitor-command", ["command-line": "info registers -a"]) { answer in
            answer.string.map { HaltedProcessors(registers: $0).areAllFrozen }
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
    /// How many it tells of, and how many of them are halted with interrupts off.
    let count: Int
    let frozen: Int

    /// Reads the text; processors of other kinds are none.
    package init(registers text: String) {
        let interrupts: UInt64 = 0x200
        let lines = text.split(separator: "\n").compactMap { line -> Bool? in
            let words = line.split(separator: " ")
            guard let flags = words.first(where: { $0.hasPrefix("EFL=") || $0.hasPrefix("RFL=") }),
                let value = UInt64(flags.dropFirst(4), radix: 16),
                let halt = words.first(where: { $0.hasPrefix("HLT=") })
            else { return nil }
            return halt == "HLT=1" && value & interrupts == 0
        }
        (count, frozen) = (lines.count, lines.filter { $0 }.count)
    }

    /// Whether it tells of any, and all are.
    package var areAllFrozen: Bool { count > 0 && frozen == count }
}

/// How far QEMU's own network is with a connection that came in at a forwarded port: it accepts each at once, whatever the
/// guest does.
package enum ForwardedConnection: Equatable, Sendable {
    /// The guest has accepted it.
    case established
    /// The guest has not answered yet.
    case waiting
    /// It is not there any more: the guest refused it.
    case gone

    /// Reads it in the text of `info usernet`.
    ///
    /// - Parameter port: the port from which it came.
    package init(in text: String, from port: UInt16) {
        // `  TCP[SYN_SENT]    25    10.0.2.15    22    127.0.0.1 41234     0     0`
        let line = text.split(separator: "\n").first { line in
            line.drop { $0 == " " }.hasPrefix("TCP[") && line.split(separator: " ").contains(Substring(String(port)))
        }
        guard let line else {
            self = .gone
            return
        }
        self = line.contains("TCP[ESTABLISHED]") ? .established : .waiting
    }
}
