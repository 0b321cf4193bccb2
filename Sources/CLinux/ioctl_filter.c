#include "ioctl_filter.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/if_tun.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#if defined(__x86_64__)
#define OWN_ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OWN_ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#error "which architecture does seccomp see here?"
#endif

// The bit in a system call's number that marks x32, whose calls differ from those of x86_64 (arch/x86/entry/syscalls).
#define X32_BIT 0x40000000

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define RETURN(action) BPF_STMT(BPF_RET | BPF_K, action)
#define REFUSE RETURN(SECCOMP_RET_ERRNO | EPERM)
// Refuses the value that was loaded last; continues with any other.
#define REFUSE_IF(value) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)(value), 0, 1), REFUSE

int clinux_refuse_link_changes(void)
{
	struct sock_filter filter[] = {
		// Under another architecture's numbers the same requests would get through. QEMU makes no such calls.
		LOAD(arch),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OWN_ARCHITECTURE, 1, 0),
		REFUSE,
		LOAD(nr),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1),
		REFUSE,
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ioctl, 1, 0),
		RETURN(SECCOMP_RET_ALLOW),
		// The request is an unsigned int: the upper half is ignored. Both architectures are little-endian.
		LOAD(args[1]),
		REFUSE_IF(TUNSETPERSIST),
		REFUSE_IF(TUNSETOWNER),
		REFUSE_IF(TUNSETGROUP),
		REFUSE_IF(SIOCSIFHWADDR),
		REFUSE_IF(TUNSETLINK),
		REFUSE_IF(TUNSETCARRIER),
		REFUSE_IF(TUNSETDEBUG),
		RETURN(SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = { .len = sizeof filter / sizeof filter[0], .filter = filter };
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0 ? 0 : -errno;
}
