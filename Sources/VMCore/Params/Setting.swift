import SystemPackage

/// Where a value comes from, as shown by `explain` and by every later message about the value.
package enum Origin: Hashable, Sendable {
    /// A line of the params file, from 1, and the key there.
    case line(Int, key: KeyName)
    /// A line of a file that the params file includes, likewise.
    case included(FilePath, Int, key: KeyName)
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

extension Origin {
    /// The line, in whichever file; nil for another origin.
    package var lineNumber: Int? {
        switch self {
        case .line(let number, _), .included(_, let number, _): number
        case .standard, .everyVM, .derived, .option, .host: nil
        }
    }

    /// The key that a file sets; nil for another origin.
    package var writtenKey: KeyName? {
        switch self {
        case .line(_, let key), .included(_, _, let key): key
        case .standard, .everyVM, .derived, .option, .host: nil
        }
    }
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
