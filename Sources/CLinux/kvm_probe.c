#define _GNU_SOURCE
#include "kvm_probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

// Guest memory: page tables at 0x1000 (PML4), 0x2000 (PDPT) and 0x3000 (PD, one 2 MiB page), code at 0x4000.
enum { memory_size = 0x8000, pml4 = 0x1000, pdpt = 0x2000, pd = 0x3000, code = 0x4000, door = 0xf4 };

// mov ecx, 1000000; 1: dec ecx; jnz 1b; out door, al; hlt
static const unsigned char loop[] = {0xb9, 0x40, 0x42, 0x0f, 0x00, 0xff, 0xc9, 0x75, 0xfc, 0xe6, door, 0xf4};

struct machine {
	int kvm, vm, vcpu;
	size_t run_size;
	struct kvm_run *run;
	unsigned char *memory;
};

static struct kvm_run *volatile interrupted_run;

// Only makes KVM_RUN return, even if the signal comes just before it is entered.
static void on_alarm(int signal)
{
	(void)signal;
	interrupted_run->immediate_exit = 1;
}

static int build(struct machine *m)
{
	m->kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (m->kvm < 0)
		return -errno;
	m->vm = ioctl(m->kvm, KVM_CREATE_VM, 0);
	if (m->vm < 0)
		return -errno;
	m->memory = mmap(NULL, memory_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (m->memory == MAP_FAILED)
		return -errno;
	struct kvm_userspace_memory_region region = {.memory_size = memory_size, .userspace_addr = (uintptr_t)m->memory};
	if (ioctl(m->vm, KVM_SET_USER_MEMORY_REGION, &region) != 0)
		return -errno;
	m->vcpu = ioctl(m->vm, KVM_CREATE_VCPU, 0);
	int size = ioctl(m->kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (m->vcpu < 0 || size < 0)
		return -errno;
	m->run_size = (size_t)size;
	m->run = mmap(NULL, m->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, m->vcpu, 0);
	return m->run == MAP_FAILED ? -errno : 0;
}

// The CPU that KVM supports: newer kernels (seen: 6.12) refuse EFER.LME if the CPUID has no long mode.
static int describe_cpu(struct machine *m)
{
	enum { most = 256 };
	union {
		struct kvm_cpuid2 list;
		unsigned char room[sizeof(struct kvm_cpuid2) + most * sizeof(struct kvm_cpuid_entry2)];
	} cpuid = {.list.nent = most};
	if (ioctl(m->kvm, KVM_GET_SUPPORTED_CPUID, &cpuid) != 0 || ioctl(m->vcpu, KVM_SET_CPUID2, &cpuid) != 0)
		return -errno;
	return 0;
}

static int enter_long_mode(struct machine *m)
{
	const uint64_t table = 3 /* present, writable */, large = 0x83;
	*(uint64_t *)(m->memory + pml4) = pdpt | table;
	*(uint64_t *)(m->memory + pdpt) = pd | table;
	*(uint64_t *)(m->memory + pd) = large;
	memcpy(m->memory + code, loop, sizeof loop);

	struct kvm_sregs special;
	if (ioctl(m->vcpu, KVM_GET_SREGS, &special) != 0)
		return -errno;
	struct kvm_segment flat = {.limit = ~0U, .selector = 8, .type = 11, .present = 1, .s = 1, .l = 1, .g = 1};
	special.cs = flat;
	flat.type = 3, flat.selector = 16, flat.l = 0, flat.db = 1;
	special.ds = special.es = special.fs = special.gs = special.ss = flat;
	special.cr3 = pml4;
	special.cr4 = 1 << 5 /* PAE */;
	special.cr0 = 1U << 31 | 1 << 4 | 1 /* PG, ET, PE */;
	special.efer = 1 << 10 | 1 << 8 /* LMA, LME */;
	struct kvm_regs general = {.rip = code, .rflags = 2, .rsp = memory_size};
	if (ioctl(m->vcpu, KVM_SET_SREGS, &special) != 0 || ioctl(m->vcpu, KVM_SET_REGS, &general) != 0)
		return -errno;
	return 0;
}

static int64_t now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static int64_t run(struct machine *m, int deadline_ms)
{
	struct sigaction before, action = {.sa_handler = on_alarm};
	struct itimerval off = {0}, after = {.it_value = {deadline_ms / 1000, deadline_ms % 1000 * 1000}};
	interrupted_run = m->run;
	if (sigaction(SIGALRM, &action, &before) != 0 || setitimer(ITIMER_REAL, &after, NULL) != 0)
		return -errno;
	int64_t start = now();
	int rc = ioctl(m->vcpu, KVM_RUN, 0) == 0 ? 0 : -errno;
	int64_t took = now() - start;
	setitimer(ITIMER_REAL, &off, NULL);
	sigaction(SIGALRM, &before, NULL);
	if (rc == -EINTR)
		return -ETIMEDOUT;
	if (rc < 0)
		return rc;
	return m->run->exit_reason == KVM_EXIT_IO && m->run->io.port == door ? took : -ENOEXEC;
}

int64_t clinux_kvm_probe(int deadline_ms)
{
	struct machine m = {.kvm = -1, .vm = -1, .vcpu = -1, .run = MAP_FAILED, .memory = MAP_FAILED};
	int64_t result = build(&m);
	if (result == 0)
		result = describe_cpu(&m);
	if (result == 0)
		result = enter_long_mode(&m);
	if (result == 0)
		result = run(&m, deadline_ms);
	if (m.run != MAP_FAILED)
		munmap(m.run, m.run_size);
	if (m.memory != MAP_FAILED)
		munmap(m.memory, memory_size);
	if (m.vcpu >= 0)
		close(m.vcpu);
	if (m.vm >= 0)
		close(m.vm);
	if (m.kvm >= 0)
		close(m.kvm);
	return result;
}
