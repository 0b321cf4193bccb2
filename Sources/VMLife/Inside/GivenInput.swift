import VMCore
import VMHost

extension PieceSource {
    /// What a stream of this process has, as the input of a command: what is there and is little goes with the command itself.
    ///
    /// - Parameter isOnTerminal: whether the command has a terminal, where an end of input is a character.
    /// - Returns: the source of what comes later; nil: nothing does.
    package static func input(
        _ descriptor: CInt, of command: inout GuestCommand, isOnTerminal: Bool = false
    ) throws(VMError) -> PieceSource? {
        if GivenStream.isNull(descriptor) { return nil }
        let (bytes, hasEnded) = try beginning(of: descriptor)
        if hasEnded, !isOnTerminal {
            command.input = .given(bytes)
            return nil
        }
        command.input = .pieces
        return PieceSource(descriptor, first: bytes, hasEnded: hasEnded)
    }
}
