import VMCore
import VMHost

/// `kvmctl events`: something that happened to a VM, as one line of JSON.
package struct EventReport: ObjectReport {
    /// An event.
    package let schema = Schema.event
    /// The VM, what happened, and who recorded it.
    package let members: Members

    /// Reports an event of a VM.
    package init(_ vm: VMName, _ event: VMEvent) {
        members = [
            "name": .string(vm.description), "time": .string(Moment(microseconds: event.microseconds).utc),
            "event": .string(event.name), "data": event.data, "source": .string(event.source.rawValue),
        ]
    }

    /// The same line: it is for programs.
    package var text: [TextBlock] { [.lines(condensed(as: .json))] }
}
