import Testing

@testable import VMCore

@Suite struct ScratchImageTests {
    @Test(arguments: [Int64(512), 1 << 30, 5 << 40])
    func kvmctlsOwnReaderKnowsIt(_ bytes: Int64) throws {
        let layout = ScratchImage.layout(size: ByteCount(bytes: bytes))
        let header = try #require(layout.pieces.first).bytes
        let found = try #require(QCOW2Condition(header))
        #expect(found.diskBytes == UInt64(bytes))
        #expect(found.fault == nil && !found.isCorrupt && !found.hasDataFile)
        #expect(QCOW2Condition.leastLength(header) <= UInt64(layout.length))
        #expect(QCOW2Header(header)?.backing == nil)
    }

    @Test func eachPieceIsInItsCluster() {
        let layout = ScratchImage.layout(size: ByteCount(bytes: 8 << 30))
        #expect(layout.length == 4 << 16)
        #expect(layout.pieces.map(\.offset) == [0, 1 << 16, 2 << 16])
        #expect(layout.pieces[2].bytes == [0, 1, 0, 1, 0, 1, 0, 1])
    }
}
