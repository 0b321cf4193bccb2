/// What has a copy of a guest make its random numbers anew at once.
///
/// A kernel with a driver for vmgenid does that by itself. Others, such as Debian's, take what is written to /dev/urandom
/// into account within a minute only, unless they are told by an ioctl (random(4), RNDRESEEDCRNG), which no usual program
/// does. So the guest executes a program of 266 bytes.
package enum Reseeding {
    /// How many random bytes it takes.
    package static let count = 64

    /// The program, as an ELF file for x86-64 that holds the bytes: it writes them to /dev/urandom, has the kernel reseed, and
    /// exits with 0 if it did.
    package static func program(_ seed: [UInt8]) -> [UInt8] {
        let body = code + Array("/dev/urandom\0".utf8) + seed
        let size = UInt64(headerSize + body.count)
        // Elf64_Ehdr and one Elf64_Phdr, PT_LOAD, readable and executable (elf(5)).
        let identity: [UInt8] = [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1] + [UInt8](repeating: 0, count: 9)
        let header: [[UInt8]] = [
            identity, little(UInt16(2)), little(UInt16(62)), little(UInt32(1)), little(base + UInt64(headerSize)),
            little(UInt64(64)), little(UInt64(0)), little(UInt32(0)), little(UInt16(64)), little(UInt16(56)),
            little(UInt16(1)), little(UInt16(0)), little(UInt16(0)), little(UInt16(0)),
            little(UInt32(1)), little(UInt32(5)), little(UInt64(0)), little(base), little(base), little(size),
            little(size), little(UInt64(0x1000)),
        ]
        return header.flatMap(\.self) + body
    }

    private static let headerSize = 64 + 56
    private static let base: UInt64 = 0x40_0000

    /// open, write, ioctl, exit (syscalls(2)); the name and the bytes follow it, 0x45 and 0x52 bytes from its beginning.
    private static let code: [UInt8] = [
        0x48, 0x8d, 0x3d, 0x3e, 0x00, 0x00, 0x00,  // lea rdi, [rip + 0x3e]: the name
        0xbe, 0x01, 0x00, 0x00, 0x00,  // mov esi, O_WRONLY
        0xb8, 0x02, 0x00, 0x00, 0x00, 0x0f, 0x05,  // mov eax, SYS_open; syscall
        0x89, 0xc7,  // mov edi, eax
        0x48, 0x8d, 0x35, 0x36, 0x00, 0x00, 0x00,  // lea rsi, [rip + 0x36]: the bytes
        0xba, 0x40, 0x00, 0x00, 0x00,  // mov edx, 64
        0xb8, 0x01, 0x00, 0x00, 0x00, 0x0f, 0x05,  // mov eax, SYS_write; syscall
        0xbe, 0x07, 0x52, 0x00, 0x00,  // mov esi, RNDRESEEDCRNG
        0x31, 0xd2,  // xor edx, edx
        0xb8, 0x10, 0x00, 0x00, 0x00, 0x0f, 0x05,  // mov eax, SYS_ioctl; syscall
        0x31, 0xff, 0x85, 0xc0, 0x40, 0x0f, 0x95, 0xc7,  // edi = eax != 0
        0xb8, 0x3c, 0x00, 0x00, 0x00, 0x0f, 0x05,  // mov eax, SYS_exit; syscall
    ]

    private static func little<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
        withUnsafeBytes(of: number.littleEndian) { Array($0) }
    }
}

/// What a guest that goes on from a warm image does first.
package enum Renewal {
    /// The exit code of the script if the guest's random numbers could not be made anew at once.
    package static let mayRepeat: Int32 = 3

    /// The script for the guest's /bin/sh. It reads the program that reseeds, and has three parameters: the time in seconds
    /// since the epoch; a new host name, and a new machine-id, both empty if they are not wanted. Those after them are the MACs of
    /// cards that are being plugged: it waits a few seconds for them, as what is run next would look for them.
    ///
    /// It starts as few programs as it can, each of which takes some 5 ms in an emulated guest. Once it has run while the image is
    /// made, two are left.
    ///
    /// A directory may forbid execution (mount(8), noexec), as /run does in Debian. A name in /dev/shm, where everybody
    /// may write, has to be a new one.
    package static let script = #"""
        umask 077
        date -u -s "@$1" >/dev/null 2>&1
        place=/run/kvmctl
        [ -d "$place" ] || mkdir -p "$place" || exit 4
        cat >"$place/reseed" || exit 4
        [ -x "$place/reseed" ] || chmod 700 "$place/reseed"
        "$place/reseed" 2>/dev/null
        code=$?
        if [ $code != 0 ]; then
            other=$(mktemp -d /dev/shm/kvmctl.XXXXXX 2>/dev/null) || other=$(mktemp -d /root/kvmctl.XXXXXX)
            cp "$place/reseed" "$other/reseed" && "$other/reseed" 2>/dev/null
            code=$?
            rm -rf "$other"
        fi
        : >"$place/reseed"
        for driver in /sys/bus/acpi/drivers/vmgenid /sys/bus/platform/drivers/vmgenid; do
            for device in "$driver"/*:*; do if [ -e "$device" ]; then code=0; fi; done
        done
        if [ -n "$2" ]; then
            printf '%s\n' "$2" >/proc/sys/kernel/hostname
            if [ -e /etc/hostname ]; then printf '%s\n' "$2" >/etc/hostname; fi
        fi
        if [ -n "$3" ]; then
            umask 022
            printf '%s\n' "$3" >/etc/machine-id.kvmctl && mv /etc/machine-id.kvmctl /etc/machine-id
            if [ -f /var/lib/dbus/machine-id ] && [ ! -L /var/lib/dbus/machine-id ]; then
                cp /etc/machine-id /var/lib/dbus/machine-id
            fi
        fi
        [ $# -lt 3 ] || shift 3
        has() {
            for card in /sys/class/net/*/address; do
                if read -r found <"$card" && [ "$found" = "$1" ]; then return 0; fi
            done
            return 1
        }
        tries=150
        for mac; do
            until has "$mac" || [ $((tries -= 1)) -lt 0 ]; do sleep 0.02; done
        done
        [ $code = 0 ] || exit 3
        """#
}
