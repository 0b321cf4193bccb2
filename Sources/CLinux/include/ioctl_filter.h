#pragma once

/// Makes the kernel refuse this process, and the program that it becomes, the requests by which a tap or macvtap outlives
/// its VM, gets another owner or another address (tuntap.rst): they take no privilege, only the descriptor, and QEMU makes
/// none of them. EPERM for each; all else is as before. It can't be lifted again (seccomp(2)). The caller has set
/// PR_SET_NO_NEW_PRIVS. 0, or -errno.
int clinux_refuse_link_changes(void);
