extension ParamsDecoder {
    /// As many as anybody reads, and few enough for every list to hold them.
    private static let mostTags = 32

    /// `TAGS`: words with commas between them.
    static func tags(_ text: String) throws(ValueFault) -> [String] {
        var tags: [String] = []
        var offset = 0
        for word in text.split(separator: ",", omittingEmptySubsequences: false) {
            let place = offset..<offset + word.utf8.count
            guard (1...VMName.maximumLength).contains(word.utf8.count), word.isPlain(and: "._-") else {
                let plain = text.split { $0 == "," || $0 == " " }.joined(separator: ",")
                throw ValueFault(
                    "\(Printable.quoted(word)) is not a tag",
                    hint:
                        "A tag is 1 to \(VMName.maximumLength) letters, digits, '.', '_' and '-'; commas separate several.",
                    trying: ["Write \(value: plain), with commas and without spaces."],
                    range: place.isEmpty ? nil : place)
            }
            guard !tags.contains(String(word)) else {
                let once = text.split(separator: ",").reduce(into: [Substring]()) {
                    if !$0.contains($1) { $0.append($1) }
                }
                throw ValueFault(
                    "'\(word)' is listed twice", hint: "List each tag once.",
                    trying: ["Write \(value: once.joined(separator: ","))."], range: place)
            }
            guard tags.count < mostTags else {
                throw ValueFault("more than \(mostTags) tags", hint: "List fewer.", range: place)
            }
            tags.append(String(word))
            offset = place.upperBound + 1
        }
        return tags
    }
}
