/// How large a log becomes (`LogBound` keeps it so).
package enum LogLimit {
    /// How much of a log is kept, in bytes, where nothing else is said.
    package static let standard: Int64 = 16 << 20
    /// The least that `CONSOLE_LOG` can say. A log that is not longer is left alone without a look at the VM.
    package static let smallest = ByteCount(bytes: 1 << 20)
}
