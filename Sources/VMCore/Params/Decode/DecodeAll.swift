extension ParamsDecoder {
    /// Decodes everything that was collected; nil if the VM has no valid name, for which there is no default.
    mutating func decode() -> VMParams? {
        checkValuesWithoutEffect()
        let name = decodeName()
        let uuid = setting(.uuid, Self.uuid)
        let description = setting(.description, Self.description)
        let tags = setting(.tags, Self.tags)
        let protect = setting(.protect, default: false, ParamValue.bool)
        let template = setting(.template, default: false, ParamValue.bool)
        let include = decodeInclude()
        let memory = setting(.memory, default: ByteCount(bytes: 1 << 30), Self.memory)
        let cpus = setting(.cpus, default: 1, Self.cpus)
        let cpu = setting(.cpu, Self.cpu)
        let machine = setting(.machine, default: .q35, Self.machine)
        let accel = setting(.accel, default: AccelChoice.auto, ParamValue.word)
        let nics = decodeNICs()
        let boot = decodeBoot(nics: nics)
        let kernel = decodeKernel()
        let disks = decodeDisks(on: machine.value.family)
        let cdroms = decodeCDROMs()
        let forwards = decodeForwards(nics: nics)
        let vnc = decodeVNC()
        refuseForwards(forwards, onPortOf: vnc)
        let shares = decodeShares()
        let cloudInit = decodeCloudInit()
        let runAs = decodeRunAs()
        let service = decodeService(of: name?.value)
        let consoleLog = setting(
            .consoleLog, default: ByteCount(bytes: LogLimit.standard), Self.consoleLog)
        let hugePages = setting(.hugePages, default: HugePages.no, ParamValue.word)
        let cpuSet = setting(.cpuSet, CPUSet.init(parsing:))
        let rtc = setting(.rtc, default: RTCBase.utc, ParamValue.word)
        let keymap = setting(.keymap, Self.keymap)
        let video = setting(.video, default: VideoModel.std, ParamValue.word)
        let sound = setting(.sound, default: false, ParamValue.bool)
        let qemu = setting(.qemu, self.qemu)
        let arguments = indices(of: .qemuArgument).compactMap { setting(.qemuArgument, at: $0, Self.qemuArgument) }
        guard let name else { return nil }
        return VMParams(
            file: file, name: name, uuid: uuid, description: description, tags: tags, protect: protect,
            template: template, include: include, memory: memory,
            cpus: cpus, cpu: cpu,
            machine: machine, accel: accel,
            boot: boot, kernel: kernel, disks: disks, cdroms: cdroms, nics: nics, forwards: forwards, vnc: vnc,
            shares: shares, cloudInit: cloudInit, runAs: runAs, service: service, consoleLog: consoleLog,
            hugePages: hugePages,
            cpuSet: cpuSet, rtc: rtc,
            keymap: keymap, video: video, sound: sound, qemu: qemu, qemuArguments: arguments, given: given)
    }
}
