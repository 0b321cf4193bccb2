/// Which device the firmware tries when: QEMU's `bootindex`, 1 first. 0 is left to a kernel that QEMU loads itself.
struct BootOrder: Equatable {
    /// After every device of the VM: where a CD that was to boot once ends.
    static let last = 1000

    /// The place of the first device that `BOOT` names.
    static let firstPlace = 2

    /// The places in the order of devices that follow one another in it.
    struct Places: Equatable {
        fileprivate var indices: [Int] = []
        fileprivate var first = 0

        /// The place of the device with an index; nil where it is not in the order.
        subscript(index: Int) -> Int? { indices.firstIndex(of: index).map { first + $0 } }
    }

    private(set) var disks = Places()
    private(set) var cdroms = Places()
    private(set) var nics = Places()
    /// The ISO of this start.
    private(set) var cdromOfStart: Int

    package init(_ params: VMParams, cdromFirst: Bool) {
        cdromOfStart = cdromFirst ? 1 : Self.last
        var next = Self.firstPlace
        func number(_ indices: [Int]) -> Places {
            defer { next += indices.count }
            return Places(indices: indices, first: next)
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
