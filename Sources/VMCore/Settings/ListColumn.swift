/// A column of `list`.
package enum ListColumn: String, CaseIterable, Sendable {
    case name, state, memory, cpus, vnc, address, nics, uptime, pid, accelerator, uuid, description, tags, file, marks

    /// Those that are shown by default; `marks` too, if there are any.
    package static let usual: [ListColumn] = [.name, .state, .memory, .cpus, .vnc, .address, .uptime]
    /// Those of `-o wide`.
    package static let wide: [ListColumn] = [
        .name, .state, .memory, .cpus, .vnc, .address, .nics, .uptime, .pid, .tags, .file, .marks, .description,
    ]

    /// Reads `name,state`, where `wide` is short for its columns.
    package static func list(_ text: String) throws(OptionValue.Fault) -> [ListColumn] {
        try OptionValue.judged(text, parse)
    }

    /// The same in a file.
    static func parse(_ text: String) throws(ValueFault) -> [ListColumn] {
        let usual = wide.map(\.rawValue).joined(separator: ",")
        let words = text.split(separator: ",", omittingEmptySubsequences: false)
        let text = words.map { $0.lowercased() == "wide" ? usual : String($0) }.joined(separator: ",")
        let columns: [ListColumn] = try ParamValue.list(text, each: "a column", rule: "Write wide, or some of")
        return columns.enumerated().filter { !columns[..<$0.offset].contains($0.element) }.map(\.element)
    }
}
