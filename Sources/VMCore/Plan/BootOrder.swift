/// Which device the firmware tries when: QEMU's `bootindex`, 1 first. 0 is left to a kernel that QEMU loads itself.
struct BootOrder: Equatable {
    /// After every device of the VM: where a CD that was to boot once ends.
    static let last = 1000

    private(set) var disks: [Int: Int] = [:]
    private(set) var cdroms: [Int: Int] = [:]
    private(set) var nics: [Int: Int] = [:]
    /// The ISO of this start.
    private(set) var cdromOfStart: Int

    init(_ params: VMParams, cdromFirst: Bool) {
        cdromOfStart = cdromFirst ? 1 : Self.last
        var next = 2
        func number(_ indices: [Int]) -> [Int: Int] {
            indices.reduce(into: [:]) { order, index in
                order[index] = next
                next += 1
            }
        }
        for device in params.boot.value {
            switch device {
            case .disk: disks = number(params.disks.map(\.index))
            case .cdrom: cdroms = number(params.cdroms.map(\.index))
            case .net: nics = number(params.nics.map(\.index))
            }
        }
    }
}
