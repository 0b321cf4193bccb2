/// What has a copy of a guest make its random numbers anew at once, and sets its clock.
///
/// A kernel with a driver for vmgenid does the first by itself. Others, such as Debian's, take what is written to /dev/urandom
/// into account within a minute only, unless they are told by an ioctl (random(4), RNDRESEEDCRNG), which no usual program
/// does. So the guest executes a program of some 200 bytes, which takes an emulated guest half of the time that a shell
/// needs for the same.
package enum Reseeding {
    /// How many random bytes it takes.
    package static let count = 64

    /// What the program reads: a `timespec` (the time since the epoch), and the random bytes.
    package static func input(_ seed: [UInt8], microseconds: Int64) -> [UInt8] {
        little(microseconds / 1_000_000) + little(microseconds % 1_000_000 * 1000) + seed
    }

    /// The program, as an ELF file for x86-64: it sets the clock, writes the bytes to /dev/urandom, has the kernel reseed, and exits
    /// with 0 if the kernel did. A clock that can't be set is left as it is.
    package static let program: [UInt8] = {
        let body = code + Array("/dev/urandom\0".utf8)
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
    }()

    private static let headerSize = 64 + 56
    private static let base: UInt64 = 0x40_0000

    /// read, clock_settime, open, write, ioctl, exit (syscalls(2)); the name follows it, 0x63 bytes from its beginning. What it reads is
    /// on the stack.
    private static let code: [UInt8] = [
        0x48, 0x83, 0xec, 0x50,  // sub rsp, 80
        0x31, 0xff,  // xor edi, edi: stdin
        0x48, 0x89, 0xe6,  // mov rsi, rsp
        0xba, 0x50, 0x00, 0x00, 0x00,  // mov edx, 80
        0x31, 0xc0, 0x0f, 0x05,  // xor eax, eax: SYS_read; syscall
        0x83, 0xe8, 0x50, 0x75, 0x3d,  // sub eax, 80; jnz end
        0x31, 0xff,  // xor edi, edi: CLOCK_REALTIME; rsi is the time
        0xb8, 0xe3, 0x00, 0x00, 0x00, 0x0f, 0x05,  // mov eax, SYS_clock_settime; syscall
        0x48, 0x8d, 0x3d, 0x3c, 0x00, 0x00, 0x00,  // lea rdi, [rip + 0x3c]: the name
        0xbe, 0x01, 0x00, 0x00, 0x00,  // mov esi, O_WRONLY
        0xb8, 0x02, 0x00, 0x00, 0x00, 0x0f, 0x05,  // mov eax, SYS_open; syscall
        0x89, 0xc7,  // mov edi, eax
        0x48, 0x8d, 0x74, 0x24, 0x10,  // lea rsi, [rsp + 16]: the bytes
        0xba, 0x40, 0x00, 0x00, 0x00,  // mov edx, 64
        0xb8, 0x01, 0x00, 0x00, 0x00, 0x0f, 0x05,  // mov eax, SYS_write; syscall
        0xbe, 0x07, 0x52, 0x00, 0x00,  // mov esi, RNDRESEEDCRNG
        0x31, 0xd2,  // xor edx, edx
        0xb8, 0x10, 0x00, 0x00, 0x00, 0x0f, 0x05,  // mov eax, SYS_ioctl; syscall
        0x31, 0xff, 0x85, 0xc0, 0x40, 0x0f, 0x95, 0xc7,  // end: edi = eax != 0
        0xb8, 0x3c, 0x00, 0x00, 0x00, 0x0f, 0x05,  // mov eax, SYS_exit; syscall
    ]

    private static func little<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
        withUnsafeBytes(of: number.littleEndian) { Array($0) }
    }
}
