import Testing

@testable import VMCore
@testable import VMHost

/// Patterns for lines that a guest writes. One after the other: only one thread may compile them.
@Suite(.serialized) struct LinePatternTests {
    @Test(arguments: [
        ("A{1,32767}B", "512 characters"), ("(A{1,100}){1,100}", "512 characters"), ("((A{30}){30}){30}", "512"),
        ("((((((((((a+)+)+)+)+)+)+)+)+)+)", "512 characters"), ("A{600,}", "512 characters"),
        (String(repeating: "(", count: 100_000), "512 characters"), (String(repeating: "a", count: 513), "512"),
        (#"(.*)(.*)\1\2x"#, #"back reference \1"#), (#"([)])\1"#, #"back reference \1"#),
        ("A{99999999999999999999}", "regular expression"), ("a(", "regular expression"), ("a[", "regular expression"),
        (#"a\"#, "Trailing backslash"), ("*a", "regular expression"),
    ])
    func whatHasNoBoundIsRefused(_ pattern: String, _ why: String) {
        do throws(OptionValue.Fault) {
            _ = try LinePattern(pattern)
            Issue.record("accepted: \(pattern.prefix(40))")
        } catch { #expect(error.description.contains(why)) }
    }

    @Test(arguments: [
        ("ready$", "it is ready"), ("^it", "it is ready"), ("", "anything"), ("a{2}b", "xaab"), ("(a|b){3}", "xabax"),
        (#"[\1]"#, "1"), (#"[]\2]x"#, "]x"), (#"[[:digit:]\1]+$"#, "x12"), ("a)|b", "b"), ("a)", "a)"), ("x|y)", "y)"),
        (#"\)"#, "a)"), (#"\{1,9999}"#, "{1,9999}"), ("[{]1,9999}", "{1,9999}"), (#"\<up\>"#, "is up."),
        ("a{,3}b", "b"),
        ("a{0}b", "b"), (#"\bup\b"#, "is up"), (".b", "\u{e4}b"), ("a{1,255}b", "aaab"), ("^$|^x", "x"), ("a|^b", "b"),
    ])
    func whatIsBoundedMatchesAsRegcompHasIt(_ pattern: String, _ line: String) throws {
        #expect(try LinePattern(pattern).matches(Array(line.utf8)[...]))
    }

    @Test(arguments: [
        ("^ready", "not ready"), ("ready$", "ready?"), ("a)|b", "a"), ("x|y)", "y"), ("a{2}b", "ab"), (#"[\1]"#, "2"),
        ("a|^b", "xb"), (#"\bup\b"#, "upper"),
    ])
    func andDoesNotMatchMore(_ pattern: String, _ line: String) throws {
        #expect(try !LinePattern(pattern).matches(Array(line.utf8)[...]))
    }
}
