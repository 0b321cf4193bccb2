import Testing

@testable import VMCore

@Suite struct ReseedingTests {
    @Test func theProgramIsAnELFFile() {
        let program = Reseeding.program
        #expect(program.starts(with: [0x7f, 0x45, 0x4c, 0x46, 2, 1]))
        #expect(program.suffix(13) == Array("/dev/urandom\0".utf8)[...])
        #expect(program.count == 64 + 56 + 0x63 + 13)
    }

    @Test func itReadsTheTimeAndTheBytes() {
        let seed = [UInt8](repeating: 0xaa, count: Reseeding.count)
        let input = Reseeding.input(seed, microseconds: 0x0102_0304 * 1_000_000 + 5)
        #expect(input.count == 80)
        #expect(input.prefix(16) == [4, 3, 2, 1, 0, 0, 0, 0, 0x88, 0x13, 0, 0, 0, 0, 0, 0])
        #expect(input.suffix(64) == seed[...])
    }
}
