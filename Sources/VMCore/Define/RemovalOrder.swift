/// In which order VMs are removed of which some stand on others: a template, or an image, can't go before those that need it.
package enum RemovalOrder {
    /// Each after all that stand on it, directly or not; else in the order in which they are given. Those that stand on one
    /// another in a circle have no such order: the removal of one of them is then refused.
    ///
    /// - Parameter standing: for each, the numbers of those that stand on it.
    /// - Returns: the numbers of all of them.
    package static func of(_ standing: [Set<Int>]) -> [Int] {
        var order: [Int] = []
        var seen: Set<Int> = []
        for first in standing.indices {
            // Not by recursion: a chain may be as long as the list.
            var path = seen.insert(first).inserted ? [(number: first, rest: standing[first].sorted(by: >))] : []
            while let last = path.last {
                guard let next = last.rest.last else {
                    order.append(last.number)
                    path.removeLast()
                    continue
                }
                path[path.count - 1].rest.removeLast()
                if standing.indices.contains(next), seen.insert(next).inserted {
                    path.append((next, standing[next].sorted(by: >)))
                }
            }
        }
        return order
    }
}
