@testable import VMCore

/// SplitMix64 (Steele, Lea, Flood 2014): seeded, so that a failure can be reproduced.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = (state ^ (state >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}

/// Hostile JSON texts: each value of a good one in turn replaced by values that no such file has, then several at once,
/// then bytes.
enum Hostile {
    /// Values as written in the text; among them the last number that fits into each type, and the first that does not.
    static let values = short + long

    static let short: [String] =
        [
            "0", "-0", "1", "-1", "255", "256", "5899", "5900", "65535", "65536", "2147483647", "2147483648",
            "4294967295", "4294967296", "9007199254740993", "9223372036854775807", "-9223372036854775808",
            "9223372036854775808", "18446744073709551615", "1e18", "1e308", "-1e308", "1.5", "1e-320", "NaN",
            "Infinity",
        ] + [
            "null", "true", "{}", "[]", "\"\"", "\"/\"", "\"a\\u0000b\"", "\"/a\\u0000b\"", "\"\\ud800\"",
            "\"\\u001b[2J\"",
            "\"-9223372036854775808\"", "\"99999999999999999999\"", "\"tcp:127.0.0.1:99999:22\"", "\"0\"", "\"-1\"",
        ]

    static let long = [
        "\"\(String(repeating: "x", count: 5000))\"", "\"/\(String(repeating: "a/", count: 3000))\"",
        String(repeating: "[", count: 2000), String(repeating: "[", count: 120) + String(repeating: "]", count: 120),
        String(repeating: "{\"a\":", count: 100) + "1" + String(repeating: "}", count: 100),
    ]

    /// Each value of a document replaced by each hostile one, and the document with duplicate keys.
    static func variants(of document: JSON, values: [String] = values) -> [[UInt8]] {
        let places = paths(in: document)
        let replaced = places.flatMap { place in values.map { text(document, replacing: [place: $0]) } }
        let doubled = values.map { value in
            places.compactMap { $0.last }.reduce("") { $0 + "\"\($1)\":\(value)," }
        }.map { "{" + $0 + document.text.dropFirst() }
        return (replaced + doubled).map { Array($0.utf8) }
    }

    /// Several values replaced at once, and then some bytes.
    static func mutations(of document: JSON, count: Int, using generator: inout SeededGenerator) -> [[UInt8]] {
        let places = paths(in: document)
        return (0..<count).map { _ in
            var replaced: [[String]: String] = [:]
            for _ in 0..<Int.random(in: 0...3, using: &generator) {
                if let place = places.randomElement(using: &generator) {
                    replaced[place] = short.randomElement(using: &generator)
                }
            }
            return mutated(Array(text(document, replacing: replaced).utf8), using: &generator)
        }
    }

    /// Some bytes changed, inserted or removed.
    static func mutated(_ bytes: [UInt8], using generator: inout SeededGenerator) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 0...4, using: &generator) where !bytes.isEmpty {
            let place = Int.random(in: 0..<bytes.count, using: &generator)
            switch UInt8.random(in: 0...2, using: &generator) {
            case 0: bytes[place] = UInt8.random(in: 0...255, using: &generator)
            case 1: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: place)
            default: bytes.removeSubrange(place..<min(bytes.count, place + Int.random(in: 1...9, using: &generator)))
            }
        }
        return bytes
    }

    /// The paths to the values: keys, and indices in arrays.
    private static func paths(in value: JSON) -> [[String]] {
        switch value {
        case .object(let members):
            members.keys.sorted().flatMap { key in [[key]] + paths(in: members[key] ?? .null).map { [key] + $0 } }
        case .array(let elements):
            elements.indices.flatMap { index in
                [["\(index)"]] + paths(in: elements[index]).map { ["\(index)"] + $0 }
            }
        default: []
        }
    }

    private static func text(_ value: JSON, replacing replaced: [[String]: String], at place: [String] = []) -> String {
        if let other = replaced[place] { return other }
        switch value {
        case .object(let members):
            return "{"
                + members.keys.sorted().map { key in
                    "\"\(key)\":\(text(members[key] ?? .null, replacing: replaced, at: place + [key]))"
                }.joined(separator: ",") + "}"
        case .array(let elements):
            return "["
                + elements.enumerated().map { text($1, replacing: replaced, at: place + ["\($0)"]) }.joined(
                    separator: ",")
                + "]"
        default: return value.text
        }
    }
}
