import SystemPackage
import VMCore
import VMHost

// How far a guest was when it was suspended. It writes no login prompt again when it goes on.
extension Machine {
    /// How far the console of a running VM says that it is, for the history; nil: it can't be told. To be
    /// called within `operate`.
    var consoleStage: BootStage? {
        let watch = GuestWatch(self, GuestWatch.Scope(asksQEMU: false, isHeld: true))
        do throws(VMError) { try watch.look() } catch { return nil }
        return max(watch.evidence.console.shownStage, watch.evidence.stageBefore ?? .unknown)
    }

    /// How far it was when it was suspended, if its last start went on from there; nil: that began with a boot, or the history
    /// does not tell.
    var stageBeforeSuspend: BootStage? {
        let events: [VMEvent]
        do throws(Errno) { events = try HistoryFile(self).events() } catch { return nil }
        let own = events.filter { $0.source == .kvmctl }
        guard let start = own.lastIndex(where: { $0.name == VMEvent.Deed.start.rawValue }),
            own[start].data["resumed"]?.bool == true,
            let suspend = own[..<start].last(where: { $0.name == VMEvent.Deed.suspend.rawValue })
        else { return nil }
        return suspend.data["stage"]?.string.flatMap { BootStage(rawValue: $0) } ?? .unknown
    }
}
