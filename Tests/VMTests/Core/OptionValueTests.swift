import Testing

@testable import VMCore

@Suite struct OptionValueTests {
    @Test(arguments: [("30s", 30), ("2m", 120), ("1h", 3600), ("45", 45), ("0", 0), ("8760h", 31_536_000)])
    func spansOfTime(_ text: String, _ seconds: Int) throws {
        #expect(try OptionValue.duration(text) == .seconds(seconds))
    }

    @Test(arguments: [("0.5", 500), ("1.25s", 1250), (".2", 200), ("2", 2000), ("1m", 60_000)])
    func intervals(_ text: String, _ milliseconds: Int) throws {
        #expect(try OptionValue.interval(text) == .milliseconds(milliseconds))
    }

    @Test(arguments: ["0.5m", "1.2.3", ".", "-0.5", "0x1.8", "99999999.5"]) func noIntervals(_ text: String) {
        #expect(throws: OptionValue.Fault.self) { try OptionValue.interval(text) }
    }

    @Test(arguments: [
        ("bridge=br0", "Did you mean bridge:br0?"), ("bridge=br0,model=virtio", "Did you mean bridge:br0?"),
        ("brigde=br0", "Did you mean bridge:br0?"), ("isolated=lab", "Did you mean isolated:lab?"),
        ("network=default", "Write bridge:NAME"), ("br0", "Did you mean bridge:br0?"),
        ("user,hostfwd=x", "Write bridge:NAME"),
    ])
    func networksAsOthersWriteThem(_ text: String, _ said: String) {
        #expect { try OptionValue.network(text) } throws: { "\($0)".contains(said) }
    }

    @Test func columnsBesidesTheWideOnes() throws {
        #expect(try ListColumn.list("wide,uuid,name") == ListColumn.wide + [.uuid])
        #expect(try ListColumn.list("name,wide").first == .name)
        #expect(ListColumn.wide.contains(.tags) && ListColumn.wide.last == .description)
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
