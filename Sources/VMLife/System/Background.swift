import Glibc

/// Work on its own thread, for work that mostly waits. (Dispatch runs no more at a time than there are processors.)
package final class Background<Value: Sendable> {
    private let compute: @Sendable () -> Value
    private let box = Box()
    private var thread: pthread_t?

    /// Written by the thread, and read only after joining it.
    private final class Box {
        var value: Value?
    }

    /// Starts the work. If no thread can be created, it is done when its value is read.
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

    /// Whether it is done meanwhile, and not when its value is read.
    package var hasThread: Bool { thread != nil }

    /// The result. Waits for it.
    package var value: Value {
        if let thread { pthread_join(thread, nil) }
        thread = nil
        return box.value ?? compute()
    }
}

/// The work without its type parameter, which a C callback can't have.
private final class Work {
    let run: () -> Void

    init(_ run: @escaping () -> Void) { self.run = run }
}
