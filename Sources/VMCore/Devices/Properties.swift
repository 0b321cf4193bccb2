/// The properties of a device, in the order in which they are written.
///
/// QEMU converts the text of a command line itself. `device_add` takes JSON types, which have to be those of
/// `device-list-properties`: other types are deprecated since QEMU 6.2 (docs/about/deprecated).
package struct Properties: Equatable, Sendable {
    /// A property that is set.
    package struct Property: Equatable, Sendable {
        /// Its name, such as `bootindex`.
        package var name: String
        /// Its value.
        package var value: PropertyValue
    }

    /// The properties that are set.
    package private(set) var entries: [Property]

    /// Leaves one out.
    package mutating func remove(_ name: String) { entries.removeAll { $0.name == name } }
}

extension Properties: ExpressibleByDictionaryLiteral {
    /// The elements that have a value, in their order.
    package init(dictionaryLiteral elements: (String, PropertyValue?)...) {
        entries = elements.compactMap { name, value in value.map { Property(name: name, value: $0) } }
    }
}

/// The value of a property, in the type that QEMU has for it.
package enum PropertyValue: Equatable, Sendable {
    /// `str`, a link to another object, or one of several words. Some switches are such words: an `OnOffAuto` is `on` in
    /// JSON too, never `true`.
    case text(String)
    /// An integer of any width.
    case number(Int)
    /// `bool`: `on` or `off` on a command line.
    case flag(Bool)
}

extension PropertyValue {
    /// As a command line has it.
    var text: String {
        switch self {
        case .text(let text): text
        case .number(let number): String(number)
        case .flag(let isOn): isOn ? "on" : "off"
        }
    }

    /// As QMP has it.
    var json: JSON {
        switch self {
        case .text(let text): .string(text)
        case .number(let number): .integer(Int64(number))
        case .flag(let isOn): .bool(isOn)
        }
    }
}
