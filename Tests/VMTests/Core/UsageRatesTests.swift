import Testing

@testable import VMCore

/// What `top` makes of two samples.
@Suite struct UsageRatesTests {
    private static func sample(
        at time: Int64, processor: Int64 = 0, storage: UsageSample.Traffic? = nil,
        links: [String: UsageSample.Traffic] = [:]
    ) -> UsageSample {
        UsageSample(time: time, processorTime: processor, storage: storage, links: links)
    }

    private static func traffic(_ inward: UInt64, _ outward: UInt64) -> UsageSample.Traffic {
        .init(inward: inward, outward: outward)
    }

    @Test func perSecond() {
        let rates = UsageRates(
            from: Self.sample(
                at: 1_000_000, processor: 5_000_000, storage: Self.traffic(100, 200),
                links: ["tap0": Self.traffic(0, 10), "tap1": Self.traffic(5, 5)]),
            to: Self.sample(
                at: 3_000_000, processor: 8_000_000, storage: Self.traffic(4196, 200),
                links: ["tap0": Self.traffic(3000, 10), "tap1": Self.traffic(5, 25)]))
        #expect(rates.processor == 1500)
        #expect(rates.storage == Self.traffic(2048, 0))
        #expect(rates.network == Self.traffic(1500, 10))
    }

    /// Another process of the pid, another interface of the name, a clock that stands still.
    @Test func whatGoesBackwardsIsNotKnown() {
        let before = Self.sample(
            at: 10, processor: 100, storage: Self.traffic(100, 100),
            links: ["tap0": Self.traffic(1, 9), "tap1": Self.traffic(0, 0)])
        var after = Self.sample(
            at: 1_000_010, processor: 99, storage: Self.traffic(100, 99),
            links: ["tap0": Self.traffic(2, 8), "tap2": Self.traffic(7, 7), "tap1": Self.traffic(3, 4)])
        let rates = UsageRates(from: before, to: after)
        #expect(rates.processor == nil && rates.storage == nil)
        #expect(rates.network == Self.traffic(3, 4))
        after.links["tap1"] = nil
        #expect(UsageRates(from: before, to: after).network == nil)
        for time: Int64 in [10, 9, .min] {
            after.time = time
            let rates = UsageRates(from: before, to: after)
            #expect(rates.processor == nil && rates.network == nil)
        }
    }

    @Test func nothingOverflows() {
        let most = Self.traffic(.max, .max)
        let rates = UsageRates(
            from: Self.sample(at: .min, processor: .min, storage: Self.traffic(0, 0), links: ["a": Self.traffic(0, 0)]),
            to: Self.sample(at: .min + 1, processor: .max, storage: most, links: ["a": most, "b": most]))
        #expect(rates.processor == .max && rates.storage == most && rates.network == most)
        let long = UsageRates(
            from: Self.sample(at: .min, storage: Self.traffic(0, 0), links: ["a": most]),
            to: Self.sample(at: .max, storage: most, links: ["a": most]))
        #expect(long.processor == 0 && long.storage == Self.traffic(1_000_000, 1_000_000))
        #expect(long.network == Self.traffic(0, 0))
        #expect(
            UsageRates(
                from: Self.sample(at: 0, links: ["a": Self.traffic(0, 0), "b": Self.traffic(0, 0)]),
                to: Self.sample(at: 1, links: ["a": most, "b": most])
            ).network == most)
    }
}
