/// Values of vm.params that stand alone, as the options of a command have them: one judge for both.
public enum OptionValue {
    /// What is wrong with an option's value.
    public struct Fault: Error, Equatable, Sendable, CustomStringConvertible {
        /// The reason, and what to write, in a sentence each.
        public let description: String
    }

    /// `NAME`.
    public static func name(_ text: String) throws(Fault) -> VMName { try judged(text, ParamsDecoder.name) }

    /// `MEMORY`; a bare number is MiB.
    public static func memory(_ text: String) throws(Fault) -> ByteCount { try judged(text, ParamsDecoder.memory) }

    /// `CPUS`.
    public static func cpus(_ text: String) throws(Fault) -> Int { try judged(text, ParamsDecoder.cpus) }

    /// `DISKn_SIZE`.
    public static func diskSize(_ text: String) throws(Fault) -> ByteCount { try judged(text, ParamsDecoder.diskSize) }

    /// `NETn`; nil: `none`.
    public static func network(_ text: String) throws(Fault) -> Network? {
        switch try judged(text, ParamsDecoder.network) {
        case .network(let network): network
        case .none: nil
        }
    }

    /// `VNCDISP`.
    public static func vncDisplay(_ text: String) throws(Fault) -> VNCDisplay {
        try judged(text, ParamsDecoder.display)
    }

    private static func judged<Value>(
        _ text: String, _ parse: (String) throws(ValueFault) -> Value
    ) throws(Fault) -> Value {
        do throws(ValueFault) { return try parse(text) } catch {
            throw Fault(description: [error.message + ".", error.hint].compactMap(\.self).joined(separator: " "))
        }
    }
}
