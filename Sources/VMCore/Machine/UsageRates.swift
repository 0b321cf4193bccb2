/// What a VM had used up at some moment, all of it counted since it started.
package struct UsageSample: Equatable, Sendable {
    /// Bytes that went two ways.
    package struct Traffic: Equatable, Sendable {
        /// Read from storage; received by the guest.
        package var inward: UInt64
        /// Written to storage; sent by the guest.
        package var outward: UInt64

        /// Counts, or rates; see the properties.
        package init(inward: UInt64, outward: UInt64) { (self.inward, self.outward) = (inward, outward) }
    }

    /// When, in microseconds by a clock that only goes forwards.
    package var time: Int64
    /// The processor time of its QEMU, in microseconds.
    package var processorTime: Int64
    /// What its QEMU read and wrote; nil: the host does not tell.
    package var storage: Traffic?
    /// What its network cards received and sent, by their interfaces on the host: those that the host can count.
    package var links: [String: Traffic]

    /// A sample; see the properties.
    package init(time: Int64, processorTime: Int64, storage: Traffic?, links: [String: Traffic]) {
        (self.time, self.processorTime, self.storage, self.links) = (time, processorTime, storage, links)
    }
}

/// What a VM used between two moments, per second. Nil is what is not known, such as a count that went backwards.
package struct UsageRates: Equatable, Sendable {
    /// Of one of the host's processors, in tenths of a percent; 4000 for four.
    package var processor: Int64?
    /// Bytes a second.
    package var storage: UsageSample.Traffic?
    /// Bytes a second; nil for a VM without a network card that the host can count.
    package var network: UsageSample.Traffic?

    /// Compares two samples of one VM's one process.
    package init(from first: UsageSample, to second: UsageSample) {
        guard let span = Span(from: first.time, to: second.time) else { return }
        if second.processorTime >= first.processorTime {
            processor = span.perSecond(second.processorTime.magnitude(since: first.processorTime), in: 1000)
        }
        if let before = first.storage, let after = second.storage { storage = span.rate(from: before, to: after) }
        // A card that came or went in between, or was replaced by another of the name, has no rate.
        for case let (before?, after) in second.links.map({ (first.links[$0.key], $0.value) }) {
            guard let rate = span.rate(from: before, to: after) else { continue }
            network = network.map { $0.adding(rate) } ?? rate
        }
    }

    /// The time between two samples.
    private struct Span {
        let microseconds: UInt128

        /// Nil if there is none.
        init?(from first: Int64, to second: Int64) {
            guard second > first else { return nil }
            microseconds = UInt128(second.magnitude(since: first))
        }

        func rate(from first: UsageSample.Traffic, to second: UsageSample.Traffic) -> UsageSample.Traffic? {
            guard second.inward >= first.inward, second.outward >= first.outward else { return nil }
            return .init(
                inward: perSecond(second.inward - first.inward), outward: perSecond(second.outward - first.outward))
        }

        func perSecond<Count: FixedWidthInteger>(_ count: UInt64, in unit: UInt128 = 1_000_000) -> Count {
            Count(clamping: UInt128(count) * unit / microseconds)
        }
    }
}

extension Int64 {
    /// How much more it is, also where that is more than an Int64 holds.
    fileprivate func magnitude(since first: Int64) -> UInt64 { UInt64(bitPattern: self &- first) }
}

extension UsageSample.Traffic {
    fileprivate func adding(_ other: Self) -> Self {
        func sum(_ one: UInt64, _ two: UInt64) -> UInt64 {
            let (sum, overflow) = one.addingReportingOverflow(two)
            return overflow ? .max : sum
        }
        return Self(inward: sum(inward, other.inward), outward: sum(outward, other.outward))
    }
}
