/// Why a file's content is no text that could be parsed.
package enum NoText: Equatable, Sendable {
    case tooLarge
    case utf16
    case nulByte(at: Int)

    /// nil if it is text.
    init?(_ bytes: [UInt8]) {
        if bytes.count > VMParams.maximumFileSize {
            self = .tooLarge
        } else if bytes.starts(with: [0xff, 0xfe]) || bytes.starts(with: [0xfe, 0xff]) {
            self = .utf16
        } else if let nul = bytes.firstIndex(of: 0) {
            self = .nulByte(at: nul)
        } else {
            return nil
        }
    }
}

extension NoText: CustomStringConvertible {
    /// In one clause.
    package var description: String {
        switch self {
        case .tooLarge: "the file is larger than \(ByteCount(bytes: Int64(VMParams.maximumFileSize)))"
        case .utf16: "the file is UTF-16 text"
        case .nulByte: "there is a NUL byte: this is not a text file"
        }
    }
}

extension Fault {
    /// The fault of a file with such content.
    init(_ reason: NoText, in bytes: [UInt8]) {
        switch reason {
        case .tooLarge:
            self.init(
                line: 1, message: "\(reason)",
                hint:
                    "This is not a params file; is it an image? Name a VM by its params file or that file's directory.")
        case .utf16:
            self.init(line: 1, message: "\(reason)", hint: "Convert it: iconv -f UTF-16 -t UTF-8 FILE > NEWFILE")
        case .nulByte(let nul):
            self.init(
                line: bytes[..<nul].count { $0 == UInt8(ascii: "\n") } + 1, span: nul..<nul + 1, message: "\(reason)",
                hint: "Look at it with 'file'; after a power cut a file may hold zeros: restore it from a copy.")
        }
    }
}
