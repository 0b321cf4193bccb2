/// Where a value comes from, as shown by `explain` and by every later message about the value.
package enum Origin: Hashable, Sendable {
    /// A line of the params file, from 1, and the key there.
    case line(Int, key: KeyName)
    /// A key's documented default.
    case standard(key: KeyName)
    /// The same for every VM: no key changes it.
    case everyVM
    /// Computed from something else; the text says from what.
    case derived(String)
    /// A command-line option, such as `--cdrom`.
    case option(String)
    /// A fact of the host; the text says which.
    case host(String)
}

/// A value and where it came from.
package struct Setting<Value> {
    /// The value.
    package var value: Value
    /// Where it came from.
    package var origin: Origin

    /// Pairs a value with its origin.
    package init(_ value: Value, _ origin: Origin) {
        self.value = value
        self.origin = origin
    }
}

extension Setting: Sendable where Value: Sendable {}
extension Setting: Equatable where Value: Equatable {}
