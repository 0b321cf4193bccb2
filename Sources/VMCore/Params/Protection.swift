extension VMParams {
    /// Whether a file that may have errors asks for protection: it does unless it clearly says no, so that an error
    /// unprotects no VM.
    package static func mayProtect(_ bytes: [UInt8]) -> Bool {
        let key = ParamsKey.protect.pattern
        return ParamsLexer(bytes).contains { element in
            switch element {
            case .success(let assignment):
                assignment.key == key && (try? ParamValue.bool(assignment.value)) != false
            case .failure(let fault):
                // What looks like the key, where there is none.
                fault.key == key || fault.repair.map { bytes[$0.key].elementsEqual(key.utf8) } == true
            }
        }
    }
}
