import ArgumentParser
import VMCore

/// How a command runs in a guest, for the commands that run one there.
struct CommandOptions: ParsableArguments {
    @Option(
        name: .shortAndLong, help: "The guest's user to run it as, by name or number. Default: root.",
        transform: OptionValue.user)
    var user: String?

    @Option(
        name: .shortAndLong, help: "The directory to run it in. Default: the user's home directory.",
        transform: OptionValue.guestDirectory)
    var cwd: String?

    @Option(
        name: .shortAndLong, help: "A variable for its environment, NAME=VALUE; may be repeated.",
        transform: OptionValue.variable)
    var env: [String] = []

    /// The command with these words.
    func command(_ words: [String]) -> GuestCommand {
        var command = GuestCommand(words)
        (command.user, command.directory, command.environment) = (user, cwd, env)
        return command
    }
}
