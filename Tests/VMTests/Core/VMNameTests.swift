import Testing

@testable import VMCore

@Suite struct VMNameTests {
    @Test(arguments: ["1", "web-01", "a.b_c", String(repeating: "x", count: 64)])
    func takesPlainNames(_ text: String) { #expect(VMName(text)?.description == text) }

    @Test(arguments: ["", ".", "..", "-x", "a/b", "a b", "é", String(repeating: "x", count: 65)])
    func refusesTheRest(_ text: String) { #expect(VMName(text) == nil) }
}
