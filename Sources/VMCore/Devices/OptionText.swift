/// The text of one QEMU option: `name,key=value,…`, each comma in a value doubled (qemu-system-x86_64(1)).
struct OptionText {
    private(set) var text: String

    /// Begins with the option's first word, such as a driver.
    init(_ name: String) {
        text = name
        // Most are shorter: one allocation instead of one for every other property.
        text.reserveCapacity(120)
    }

    mutating func add(_ key: String, _ value: String) {
        text += ","
        text += key
        text += "="
        if value.utf8.contains(UInt8(ascii: ",")) {
            text += value.split(separator: ",", omittingEmptySubsequences: false).joined(separator: ",,")
        } else {
            text += value
        }
    }
}
