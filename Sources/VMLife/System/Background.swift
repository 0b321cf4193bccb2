import Glibc

/// Work on a thread of its own, for what mostly waits. (Dispatch runs no more at a time than there are processors.)
package final class Background<Value: Sendable> {
    private let compute: @Sendable () -> Value
    private let box = Box()
    private var thread: pthread_t?

    /// What the thread writes, and who has joined it reads.
    private final class Box {
        var value: Value?
    }

    /// Begins the work; where there is no thread to be had, it is done when its value is asked for.
    package init(_ compute: @escaping @Sendable () -> Value) {
        self.compute = compute
        let box = box
        let work = Unmanaged.passRetained(Work { box.value = compute() })
        var thread = pthread_t()
        let failure = pthread_create(
            &thread, nil,
            { context in
                if let context { Unmanaged<Work>.fromOpaque(context).takeRetainedValue().run() }
                return nil
            }, work.toOpaque())
        if failure == 0 { self.thread = thread } else { work.release() }
    }

    /// Waits for what comes of it.
    package var value: Value {
        if let thread { pthread_join(thread, nil) }
        thread = nil
        return box.value ?? compute()
    }
}

/// What a function of C can call: it knows nothing of type parameters.
private final class Work {
    let run: () -> Void

    init(_ run: @escaping () -> Void) { self.run = run }
}
