/// Finds what a mistyped word was meant to be.
package enum Nearest {
    /// Longer words are not typing errors, and would cost quadratic time.
    private static let longest = 32

    /// The candidate that is the fewest typing errors away from `word`, if those are few for its length; of equals, the
    /// first.
    package static func match(_ word: String, among candidates: some Sequence<String>) -> String? {
        let typed = Array(word.utf8)
        guard (2...longest).contains(typed.count) else { return nil }
        var best: (candidate: String, distance: Int)?
        let allowed = typed.count < 4 ? 1 : typed.count < 9 ? 2 : 3
        for candidate in candidates {
            let meant = Array(candidate.utf8)
            guard abs(meant.count - typed.count) <= allowed else { continue }
            let distance = distance(typed, meant)
            if distance <= allowed, distance < best?.distance ?? .max { best = (candidate, distance) }
        }
        return best?.candidate
    }

    /// The Damerau-Levenshtein distance in its restricted form: letters inserted, left out, wrong, or swapped with
    /// their neighbour.
    package static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var beforeLast: [Int] = []
        var last = Array(0...right.count)
        for (row, letter) in left.enumerated() {
            var current = [row + 1]
            for (column, other) in right.enumerated() {
                let same = letter == other ? 0 : 1
                var cost = min(last[column] + same, last[column + 1] + 1, current[column] + 1)
                if row > 0, column > 0, letter == right[column - 1], left[row - 1] == other {
                    cost = min(cost, beforeLast[column - 1] + 1)
                }
                current.append(cost)
            }
            (beforeLast, last) = (last, current)
        }
        return last[right.count]
    }
}
