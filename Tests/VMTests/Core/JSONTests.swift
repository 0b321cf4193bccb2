import Testing

@testable import VMCore

@Suite struct JSONTests {
    private func parse(_ text: String) throws(JSONFault) -> JSON { try JSON(parsing: text.utf8) }

    @Test(
        arguments: [
            ("null", .null), (" true\r\n", .bool(true)), ("-0", .integer(0)), ("12", .integer(12)),
            ("9223372036854775807", .integer(.max)), ("9223372036854775808", .number(9_223_372_036_854_775_808)),
            ("-1.5e2", .number(-150)), ("1E3", .number(1000)), (#""""#, ""), (#""é\u00e9\n\/\"""#, "éé\n/\""),
            (#""\ud83d\ude00""#, "😀"), (#""\ud83d""#, "\u{fffd}"), ("[]", []), ("[ 1 , [ ] ]", [1, []]), ("{}", [:]),
            (#"{"a": {"b": [false]}, "c": null}"#, ["a": ["b": [false]], "c": nil]), (#"{"a":1,"a":2}"#, ["a": 2]),
        ] as [(String, JSON)])
    func reads(_ text: String, _ value: JSON) throws { #expect(try parse(text) == value) }

    @Test(arguments: [
        "", " ", "nul", "truex", "01", "-", "+1", ".5", "1.", "1.e3", "1e", "1e999", "0x1", "[1,]", "[1 2]", "[", "{",
        "{]",
        #"{"a"}"#, #"{"a":}"#, #"{a:1}"#, #"{"a":1,}"#, #"""#, #""\x""#, #""\u12""#, #""\u12g4""#, "\"\n\"", "1 2",
    ])
    func refuses(_ text: String) { #expect(throws: JSONFault.self) { try parse(text) } }

    @Test func tellsWhere() { #expect(throws: JSONFault(offset: 4)) { try parse("[1, x]") } }

    @Test func nestsOnlySoDeep() throws {
        _ = try parse(String(repeating: "[", count: 128) + String(repeating: "]", count: 128))
        #expect(throws: JSONFault.self) { try parse(String(repeating: "[", count: 1_000_000)) }
    }

    @Test func survivesAnyBytes() {
        let document = Array(#"{"return": {"a": [1, -2.5e1, "x\u00e9\n"], "b": null}, "id": 7}"#.utf8)
        for position in document.indices {
            for byte: UInt8 in [0, 0x22, 0x2c, 0x5b, 0x5c, 0x7b, 0x80, 0xff] {
                var broken = document
                broken[position] = byte
                _ = try? JSON(parsing: broken)
            }
            _ = try? JSON(parsing: document[..<position])
        }
    }

    @Test func replacesWhatIsNotUTF8() throws {
        #expect(try JSON(parsing: [0x22, 0x61, 0xff, 0x22]) == .string("a\u{fffd}"))
    }

    @Test func writes() throws {
        let value: JSON = ["b": [1, nil, true], "a": "é\"\\\n\u{1b}\u{9b}😀", "c": [:], "d": .number(.infinity)]
        let text = #"{"a":"é\"\\\n\u001b\u009b😀","b":[1,null,true],"c":{},"d":null}"#
        #expect(value.text == text)
        #expect(try parse(#"{"a":[],"b":{"c":1}}"#).prettyText == "{\n  \"a\": [],\n  \"b\": {\n    \"c\": 1\n  }\n}")
    }

    @Test func readsWhatItWrites() throws {
        let value: JSON = ["a": ["\u{0}\u{7f}\u{2028}", 1, .number(0.1)], "": [:]]
        #expect(try parse(value.text) == value)
        #expect(try parse(value.prettyText) == value)
    }
}
