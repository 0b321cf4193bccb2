import VMCore

extension Machine {
    /// The command that asked it to stop in its last run, as its history knows; nil: none did, or the guest went on after it.
    ///
    /// - Throws: why its history can't be read.
    func stopRequest() throws(VMError) -> VMEvent? {
        let events: [VMEvent]
        do throws(VMError) { events = try told() } catch  where error.code == .notFound { return nil }
        let deeds: Set<VMEvent.Deed> = [.start, .stop, .reset, .suspend, .adopt]
        let last = events.lastIndex { event in
            event.source == .kvmctl && VMEvent.Deed(rawValue: event.name).map(deeds.contains) == true
        }
        guard let last, events[last].name == VMEvent.Deed.stop.rawValue else { return nil }
        return events[last...].contains(where: \.isReboot) ? nil : events[last]
    }
}
