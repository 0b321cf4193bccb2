#pragma once

/// Makes the kernel refuse this process, and the program that it becomes, the requests that let a tap or macvtap
/// outlive its VM, or that change its owner or address (tuntap.rst). They need no privilege, only the descriptor, and
/// QEMU makes none of them. Each fails with EPERM; nothing else changes. It can't be undone (seccomp(2)). The caller
/// has to set PR_SET_NO_NEW_PRIVS first. 0, or -errno.
int clinux_refuse_link_changes(void);
