import VMCore
import VMHost

/// Makes the warm image of a model without a run.
package struct WarmingUp {
    private let warming: Warming

    /// How long all of it may take if nothing was said.
    package static let patience = EphemeralRun.boot

    /// - Parameters:
    ///   - signals: those that come to this process.
    ///   - tell: receives what the user should know.
    package init(
        _ model: EphemeralModel, _ wish: Warming.Wish, in context: PlanningContext, timeout: Duration,
        _ signals: RunSignals, tell: @escaping (String) -> Void
    ) {
        var warming = Warming(
            model: model, wish: wish, context: context, signals: signals, deadline: Deadline(in: timeout), tell: tell)
        warming.tellsAtOnce = true
        self.warming = warming
    }

    /// What would be done.
    ///
    /// - Returns: the image, whether it would be made, and why the one that is there can't be used.
    package func task() throws(VMError) -> (image: WarmImage, isNew: Bool, obstacle: String?) {
        let directory = try warming.directory()
        let obstacle = try warming.obstacle(of: directory)
        let known = try directory.exists() ? try WarmCache(warming.context.site).image(directory) : nil
        let image = known ?? WarmImage(name: directory.name, path: directory.path, size: ByteCount(bytes: 0))
        return (image, obstacle != nil, obstacle?.words)
    }

    /// Makes the image, unless it is there.
    package func run() throws(VMError) -> (image: WarmImage, isNew: Bool) {
        let image = try warming.ready()
        let isNew = image.isNew
        return (try WarmCache(warming.context.site).image(image.directory), isNew)
    }
}
