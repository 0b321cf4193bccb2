/// A column of `list`.
package enum ListColumn: String, CaseIterable, Sendable {
    case name, state, memory, cpus, vnc, address, nics, uptime, pid, accelerator, uuid, description, tags, file, marks

    /// Those that are shown by default; `marks` too, if there are any.
    package static let usual: [ListColumn] = [.name, .state, .memory, .cpus, .vnc, .address, .uptime]
    /// Those of `-o wide`.
    package static let wide: [ListColumn] = [
        .name, .state, .memory, .cpus, .vnc, .address, .nics, .uptime, .pid, .file, .marks,
    ]

    /// Reads `name,state` or `wide`.
    package static func list(_ text: String) throws(OptionValue.Fault) -> [ListColumn] {
        try OptionValue.judged(text, parse)
    }

    /// The same in a file.
    static func parse(_ text: String) throws(ValueFault) -> [ListColumn] {
        if text == "wide" { return wide }
        return try ParamValue.list(text, each: "a column", rule: "Write wide, or some of")
    }
}
