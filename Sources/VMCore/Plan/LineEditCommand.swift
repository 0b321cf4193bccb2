import SystemPackage

extension VMParams {
    /// The command line that writes another value into the line of the params file that a setting comes from; nil where it
    /// comes from elsewhere.
    ///
    /// - Parameter value: without anything that sed(1) or the file would take for more than itself.
    func lineEdit(_ origin: Origin, value: String) -> ShellCommand? {
        guard case .line(let number, let key) = origin else { return nil }
        return "sed -i \(number)s/\(key)=[^[:space:]]*/\(key)=\(value)/ \(file)"
    }
}
