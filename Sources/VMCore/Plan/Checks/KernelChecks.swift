import SystemPackage

extension LaunchPlanner {
    /// Refuses what QEMU's loader refuses, and what it accepts although it never boots.
    mutating func checkKernel(_ kernel: VMParams.DirectKernel) {
        guard case .image(let image)? = facts.images[kernel.image.value], let content = image.kernel else { return }
        let initrd: ImageFacts.Image? =
            if let path = kernel.initrd?.value, case .image(let found)? = facts.images[path] { found } else { nil }
        if case .none(let what) = content {
            let isSwapped = if case .linux? = initrd?.kernel { true } else { false }
            refuse(
                .badData, place(kernel.image.origin), "\(kernel.image.value) \(what)",
                remedy: isSwapped
                    ? "INITRD names a kernel: the two look swapped"
                    : "name a bzImage, such as /boot/vmlinuz, a multiboot kernel, or an ELF file with a PVH entry point"
            )
            return
        }
        if image.bytes > params.memory.value.bytes - Self.kernelAddress {
            refuse(
                .badData, place(kernel.image.origin),
                "\(kernel.image.value) is \(ByteCount(bytes: image.bytes)), which does not fit into "
                    + "MEMORY=\(params.memory.value.parameter)",
                remedy: "give the VM more MEMORY")
        }
        if let setting = kernel.initrd, let initrd { checkInitrd(setting, initrd, with: content) }
        if case .linux = content, let words = kernel.commandLine { checkVideoMode(words) }
    }

    /// Where all but ancient kernels are loaded (Linux, Documentation/arch/x86/boot.rst).
    private static let kernelAddress: Int64 = 1 << 20

    private mutating func checkInitrd(
        _ path: Setting<FilePath>, _ initrd: ImageFacts.Image, with kernel: KernelImage
    ) {
        var limit = lowMemory - Self.tables - 1
        if case .linux(let setup) = kernel {
            if setup.version < 0x200 {
                refuse(
                    .badData, place(path.origin), "KERNEL is too old for an initial RAM disk",
                    remedy: "remove the line, or use a newer kernel")
                return
            }
            if case .linux? = initrd.kernel {
                refuse(
                    .badData, place(path.origin), "\(path.value) is a kernel, not an initial RAM disk",
                    remedy: "name the archive that goes with KERNEL, such as /boot/initrd.img")
                return
            }
            limit = min(limit, Int64(clamping: setup.initrdLimit))
        }
        guard initrd.bytes >= limit else { return }
        refuse(
            .badData, place(path.origin),
            "\(path.value) is \(initrd.bytes) bytes, but with MEMORY=\(params.memory.value.parameter) and this KERNEL there is "
                + "room for \(max(0, limit - 1))",
            remedy: "give the VM more MEMORY, or use a smaller initial RAM disk")
    }

    /// The space that ACPI's tables take at the end of the memory below 4 GiB (QEMU, hw/i386/pc.c, acpi_data_size).
    private static let tables: Int64 = 0x28000

    /// The memory below 4 GiB (QEMU, hw/i386/pc_q35.c and pc_piix.c: the PCI hole is above it).
    private var lowMemory: Int64 {
        let bytes = params.memory.value.bytes
        return switch params.machine.value.family {
        case .q35: bytes >= 0xb000_0000 ? 0x8000_0000 : bytes
        case .pc: bytes >= 0xe000_0000 ? 0xc000_0000 : bytes
        }
    }

    /// QEMU itself interprets `vga=` anywhere in the command line, and exits if it does not understand it.
    private mutating func checkVideoMode(_ words: Setting<String>) {
        guard let start = words.value.firstRange(of: "vga=")?.upperBound else { return }
        let rest = words.value[start...]
        if ["normal", "ext", "ask"].contains(where: rest.hasPrefix) { return }
        let mode = rest.prefix { $0 != " " }
        let digits = mode.hasPrefix("0x") || mode.hasPrefix("0X") ? mode.dropFirst(2) : mode
        let base = digits.count < mode.count ? 16 : mode.hasPrefix("0") && mode.count > 1 ? 8 : 10
        if UInt32(digits, radix: base) != nil { return }
        refuse(
            .badData, place(words.origin), "QEMU does not understand vga=\(mode)",
            remedy: "write a number, normal, ext or ask; or remove it: Linux also understands video=")
    }
}
