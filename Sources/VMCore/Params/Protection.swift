extension VMParams {
    /// Whether a file that may have errors asks for protection: it does unless it clearly says no, so that an error
    /// unprotects no VM. nil: it says nothing about it.
    package static func mayProtect(_ bytes: [UInt8]) -> Bool? {
        let key = ParamsKey.protect.pattern
        let words = ParamsLexer(bytes).compactMap { element -> Bool? in
            switch element {
            case .success(let assignment):
                assignment.key == key ? (try? ParamValue.bool(assignment.value)) != false : nil
            case .failure(let fault):
                // Or what looks like the key, where there is none.
                fault.key == key || fault.repair.map { bytes[$0.key].elementsEqual(key.utf8) } == true ? true : nil
            }
        }
        return words.isEmpty ? nil : words.contains(true)
    }
}
