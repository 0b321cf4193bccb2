// Values of the options about images and what is written into them.
extension OptionValue {
    /// The name of an image.
    package static func image(_ text: String) throws(Fault) -> ImageName {
        if let name = ImageName(text) { return name }
        throw Fault(
            description:
                "\(Printable.quoted(text)) can't be the name of an image: letters, digits and '._-', at most 64.")
    }

    /// A SHA-256 sum.
    package static func sum(_ text: String) throws(Fault) -> ImageSum {
        if let sum = ImageSum(text) { return sum }
        throw Fault(description: "\(Printable.quoted(text)) is not a SHA-256 sum, which has 64 hexadecimal digits.")
    }

    /// `CLOUDINIT_HOSTNAME`.
    package static func hostname(_ text: String) throws(Fault) -> String { try judged(text, ParamsDecoder.hostname) }
}
