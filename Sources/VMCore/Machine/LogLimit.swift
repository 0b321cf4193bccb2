/// How large a log becomes (`LogBound` keeps it so).
package enum LogLimit {
    /// How much of a log is kept, in bytes, where nothing else is said.
    package static let standard: Int64 = 16 << 20
}
