import Dispatch

extension Array where Element: Sendable {
    /// Like `map`, but on two threads if there are many elements: starting a thread takes as long as reading a dozen
    /// params files. More than two seldom help, as they wait for the same allocator and directory.
    func concurrentMap<Result: Sendable>(_ transform: @Sendable (Element) -> Result) -> [Result] {
        guard count >= 64 else { return map(transform) }
        let middle = count / 2
        return [Result](unsafeUninitializedCapacity: count) { buffer, initialized in
            nonisolated(unsafe) let results = buffer
            DispatchQueue.concurrentPerform(iterations: 2) { half in
                for index in half == 0 ? 0..<middle : middle..<count {
                    results.initializeElement(at: index, to: transform(self[index]))
                }
            }
            initialized = count
        }
    }
}
