/// The pieces of text that tell something, found in a line in one pass, whatever their number.
struct SignTable: Sendable {
    /// What a piece of text tells.
    struct Sign: Sendable {
        var text: String
        var bytes: [UInt8]
        /// The stage that it is a sign of.
        var stage: BootStage?
        /// Whether a symptom has it, and how far the guest may come before it is past that.
        var symptomStage: BootStage?
    }

    /// All that stages and symptoms have.
    static let all = SignTable()

    private let signs: [Sign]
    /// The signs that begin with a byte.
    private let byFirst: [[Int]]

    private init() {
        var signs: [String: Sign] = [:]
        for (stage, texts) in StageSigns.all {
            for text in texts { signs[text] = Sign(text: text, bytes: Array(text.utf8), stage: stage) }
        }
        for row in Symptoms.all {
            guard case .text(let groups) = row.evidence else { continue }
            for text in groups.joined() {
                var sign = signs[text] ?? Sign(text: text, bytes: Array(text.utf8))
                sign.symptomStage = max(sign.symptomStage ?? .unknown, row.stage)
                signs[text] = sign
            }
        }
        self.signs = signs.values.sorted { $0.text < $1.text }
        var byFirst = [[Int]](repeating: [], count: 256)
        for (index, sign) in self.signs.enumerated() {
            if let first = sign.bytes.first { byFirst[Int(first)].append(index) }
        }
        self.byFirst = byFirst
    }

    /// Those in a line.
    func find(in line: ArraySlice<UInt8>) -> [Sign] {
        var found: [Int] = []
        line.withUnsafeBufferPointer { bytes in
            for start in bytes.indices {
                for index in byFirst[Int(bytes[start])] {
                    let sign = signs[index].bytes
                    if start + sign.count <= bytes.count, bytes[start..<start + sign.count].elementsEqual(sign) {
                        found.append(index)
                    }
                }
            }
        }
        return found.map { signs[$0] }
    }
}
