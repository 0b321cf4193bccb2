import Testing

@testable import VMCore

@Suite struct OptionValueTests {
    @Test(arguments: [("30s", 30), ("2m", 120), ("1h", 3600), ("45", 45), ("0", 0), ("8760h", 31_536_000)])
    func spansOfTime(_ text: String, _ seconds: Int) throws {
        #expect(try OptionValue.duration(text) == .seconds(seconds))
    }

    @Test(arguments: ["", "s", "xyz", "-1s", "1d", "1.5s", "8761h", "9223372036854775807h", "5 s"])
    func noSpansOfTime(_ text: String) {
        #expect {
            try OptionValue.duration(text)
        } throws: { error in
            (error as? OptionValue.Fault)?.description.contains("such as 30s") == true
        }
    }
}
