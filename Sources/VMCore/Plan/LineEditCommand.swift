import SystemPackage

extension VMParams {
    /// The command line that changes the value on the line of the params file that a setting comes from; nil if it
    /// comes from elsewhere.
    ///
    /// - Parameter value: without characters that have a special meaning for sed(1) or in the file.
    func lineEdit(_ origin: Origin, value: String) -> ShellCommand? {
        guard case .line(let number, let key) = origin else { return nil }
        return "sed -i \(number)s/\(key)=[^[:space:]]*/\(key)=\(value)/ \(file)"
    }
}
