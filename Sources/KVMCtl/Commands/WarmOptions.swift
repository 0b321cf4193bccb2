import ArgumentParser
import VMCore
import VMLife

/// What the guest of a warm image has to have reached.
struct WarmOptions: ParsableArguments {
    @Option(
        name: .customLong("for"),
        help: .init(
            "What the guest has to have reached when it is saved: agent, boot, serial:/REGEX/. Default: agent. May be repeated.",
            valueName: "condition"),
        transform: WaitOption.condition)
    var conditions: [WaitOption] = []

    func validate() throws {
        for option in conditions {
            switch option.condition {
            case .agent, .boot, .shell, .serial: break
            case .running, .stopped: throw ValidationError("--for \(option.condition) tells nothing of the guest")
            case .ip, .tcp: throw ValidationError("--for \(option.condition): a guest is saved before it has a network")
            }
        }
    }

    /// As a wish: that its agent answers is always a part of it, which later gives each guest its own identity.
    var wish: Warming.Wish {
        let others = conditions.filter { $0.condition != .agent }
        let all = [WaitOption(condition: .agent)] + others
        return Warming.Wish(all.wish(), version: Version.current)
    }
}
