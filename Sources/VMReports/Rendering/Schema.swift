/// What a JSON object that kvmctl prints is. The set is closed: docs/json.md documents each, and a version only ever
/// gains keys.
package enum Schema: String, CaseIterable, Sendable {
    /// A VM.
    case vm = "kvmctl.vm/2"
    /// A start.
    case start = "kvmctl.start/1"
    /// What a start would do.
    case plan = "kvmctl.plan/1"
    /// A stop.
    case stop = "kvmctl.stop/1"
    /// What was done to a machine: paused, resumed, reset, interrupted.
    case power = "kvmctl.power/1"
    /// A restart.
    case restart = "kvmctl.restart/1"
    /// A suspend.
    case suspend = "kvmctl.suspend/1"
    /// A freeze or a thaw.
    case freeze = "kvmctl.freeze/1"
    /// A trim of a guest's file systems.
    case fstrim = "kvmctl.fstrim/1"
    /// A change to a device.
    case device = "kvmctl.device/1"
    /// How much memory a guest has.
    case memory = "kvmctl.memory/1"
    /// What a VM uses.
    case top = "kvmctl.top/1"
    /// Something that happened to a VM.
    case event = "kvmctl.event/1"
    /// What happened to a VM, for people.
    case history = "kvmctl.history/1"
    /// Whether a VM starts with the host.
    case enable = "kvmctl.enable/1"
    /// How to reach a VM's screen.
    case vnc = "kvmctl.vnc/1"
    /// A picture of a VM's screen, or the text on it.
    case screenshot = "kvmctl.screenshot/1"
    /// Keys that were pressed.
    case keysSent = "kvmctl.sendkey/1"
    /// A wait.
    case wait = "kvmctl.wait/1"
    /// A guest's addresses.
    case ip = "kvmctl.ip/1"
    /// A created VM.
    case create = "kvmctl.create/1"
    /// An image that has a name.
    case image = "kvmctl.image/1"
    /// A disk.
    case disk = "kvmctl.disk/1"
    /// What a check of a disk found.
    case diskCheck = "kvmctl.diskcheck/1"
    /// A disk that was made.
    case diskCreate = "kvmctl.diskcreate/1"
    /// A warm image.
    case warm = "kvmctl.warm/1"
    /// Changed keys of a params file.
    case set = "kvmctl.set/1"
    /// An old params file brought up to date, or a QEMU that was taken over.
    case adopt = "kvmctl.adopt/1"
    /// In what a running VM differs from its file.
    case diff = "kvmctl.diff/1"
    /// A renamed VM.
    case rename = "kvmctl.rename/1"
    /// Whether a VM could start.
    case check = "kvmctl.check/1"
    /// Arguments of QEMU that belong together.
    case argument = "kvmctl.argument/1"
    /// A key of vm.params.
    case key = "kvmctl.key/1"
    /// A setting in force.
    case setting = "kvmctl.setting/1"
    /// A removed VM.
    case remove = "kvmctl.rm/1"
    /// A bridge.
    case bridge = "kvmctl.bridge/1"
    /// A change to a bridge.
    case net = "kvmctl.net/1"
    /// Changes that were confirmed.
    case confirm = "kvmctl.confirm/1"
    /// Files that set up a bridge at boot.
    case persist = "kvmctl.persist/1"
    /// What the doctor found.
    case doctor = "kvmctl.doctor/1"
}
