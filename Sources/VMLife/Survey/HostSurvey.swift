import BridgeKernel
import CLinux
import Glibc
import SystemPackage
import VMCore
import VMHost

extension HostCondition {
    /// Examines the host. Only reads; a child process tries what QEMU's user may do.
    ///
    /// - Parameters:
    ///   - known: facts that are found out once for all VMs.
    ///   - trust: whose programs may be run.
    ///   - unseen: collects what could not be examined.
    init(_ known: HostCache, _ trust: FileTrust, noting unseen: inout [VMError]) {
        let isRoot = geteuid() == 0
        let own = UIDPool.isMapped ? Credentials.ownUID(groups: Accounts.kvmGroups) : .nobody
        let credentials = isRoot ? own : .caller
        let user = isRoot ? credentials.forProbing : ResolvedCredentials()
        let abilities = (try? Launch(path: "", arguments: [], credentials: user).beginTrial().finish()) ?? 0
        let canOpenKVM = abilities & CInt(CLINUX_CAN_OPEN_KVM) != 0
        // Asked anew, to see whether it still starts.
        let qemu = Result { () throws(VMError) in
            try QEMUProbe(cache: known.cache, credentials: credentials).facts(of: QEMUProgram(nil, trust), anew: true)
        }
        var machineID = ""
        do throws(VMError) { machineID = try known.machineID.get() } catch { unseen.append(error) }
        self.init(
            kvm: KVMProbe(cache: known.cache).verdict(canOpen: canOpenKVM),
            kvmDevice: DeviceCondition(probing: "/dev/kvm", driver: "kvm", opens: canOpenKVM),
            kvmIsForeign: KVMProbe.isForeign, kvmModule: Self.kvmModule, qemu: qemu,
            tun: .tun,
            vhostNet: DeviceCondition(probing: "/dev/vhost-net", driver: "vhost_net"),
            ioUring: abilities & CInt(CLINUX_CAN_IO_URING) != 0, machineID: machineID,
            user: getpwuid(geteuid()).map { String(cString: $0.pointee.pw_name) } ?? "uid \(geteuid())",
            hasLookers: Accounts.lookers != nil, strangers: Accounts.names(withUIDs: UIDPool.range),
            uids: isRoot && !UIDPool.isMapped ? .uids : nil,
            memory: MemoryCondition())
    }

    /// Read for the first processor only: all are alike.
    private static var kvmModule: String? {
        let text = String(decoding: (try? readFile("/proc/cpuinfo", limit: 16384)) ?? [], as: UTF8.self)
        let flags = text.split(separator: "\n").first { $0.hasPrefix("flags") }?.split(separator: " ") ?? []
        if flags.contains("vmx") { return "kvm_intel" }
        return flags.contains("svm") ? "kvm_amd" : nil
    }
}

extension DeviceCondition {
    /// The device that taps are made through. Its number is fixed (Documentation/admin-guide/devices.txt).
    static var tun: DeviceCondition { DeviceCondition(probing: "/dev/net/tun", driver: "tun", number: 10 << 8 | 200) }

    /// - Parameters:
    ///   - driver: the kernel module that makes it.
    ///   - number: its device number, if that is fixed.
    ///   - opens: whether those who need it can open it, if that is already known.
    init(probing path: FilePath, driver: String, number: dev_t? = nil, opens: Bool? = nil) {
        do throws(Errno) {
            guard let found = try status(of: path) else { throw .noSuchFileOrDirectory }
            if let number, found.st_mode & S_IFMT != S_IFCHR || found.st_rdev != number {
                self = .another
                return
            }
            if let opens {
                self = opens ? .usable : .refused(.permissionDenied)
                return
            }
            _ = try OwnedDescriptor.open(path, .readWrite)
            self = .usable
        } catch .noSuchFileOrDirectory, .operationNotSupportedByDevice, .noSuchAddressOrDevice {
            // The last two: the device file exists, but has no driver.
            self = .missing(Driver(of: driver))
        } catch {
            self = .refused(error)
        }
    }
}

extension DeviceCondition.Driver {
    fileprivate init(of module: String) {
        // /proc/misc lists the running drivers by device name (Documentation/admin-guide/devices.txt).
        let device = module.split(separator: "_").joined(separator: "-")
        let running = String(decoding: (try? readFile("/proc/misc")) ?? [], as: UTF8.self)
        if running.split(separator: "\n").contains(where: { $0.hasSuffix(" \(device)") }) {
            self = .running
            return
        }
        var kernel = utsname()
        uname(&kernel)
        let release = withUnsafeBytes(of: kernel.release) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        let modules = FilePath("/lib/modules").appending(release)
        let isKnown = ["modules.dep", "modules.builtin"].contains { list in
            let text = (try? readFile(modules.appending(list), limit: 1 << 22)) ?? []
            return String(decoding: text, as: UTF8.self).contains("/\(module).ko")
        }
        self = isKnown ? .loadable : .none
    }
}
