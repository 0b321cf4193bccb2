#include "packet_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SNAP = 2048, UDP = 17, ICMPV6 = 58, DHCP_SERVER = 67, DHCP_CLIENT = 68, ND_FIRST = 133, ND_LAST = 137 };

// Classic BPF (Documentation/networking/filter.rst). A jump's two numbers say how many instructions it skips if it is
// true and if it is not; a load beyond the end drops the frame. Offsets count from the Ethernet header.
static struct sock_filter program[] = {
	/* 0*/ BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 12), // the EtherType
	/* 1*/ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_ARP, 15, 0),
	/* 2*/ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IPV6, 9, 0),
	/* 3*/ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IP, 0, 14),
	// IPv4: the first fragment of UDP from a DHCP port
	/* 4*/ BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 23),
	/* 5*/ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, UDP, 0, 12),
	/* 6*/ BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 20),
	/* 7*/ BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x1fff, 10, 0),
	/* 8*/ BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 14), // the header's length
	/* 9*/ BPF_STMT(BPF_LD | BPF_H | BPF_IND, 14),
	/*10*/ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, DHCP_SERVER, 6, 0),
	/*11*/ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, DHCP_CLIENT, 5, 6),
	// IPv6: ICMPv6 directly after the header, with a neighbour discovery type
	/*12*/ BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 20),
	/*13*/ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ICMPV6, 0, 4),
	/*14*/ BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 54),
	/*15*/ BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, ND_FIRST, 0, 2),
	/*16*/ BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, ND_LAST, 1, 0),
	/*17*/ BPF_STMT(BPF_RET | BPF_K, SNAP),
	/*18*/ BPF_STMT(BPF_RET | BPF_K, 0),
};

int clinux_packet_open(unsigned interface)
{
	const struct sock_fprog filter = { .len = sizeof(program) / sizeof(*program), .filter = program };
	const struct sockaddr_ll here = {
		.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = (int)interface
	};
	// Without a protocol it receives nothing until it is bound: no frames of other interfaces, none unfiltered.
	const int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	const int on = 1;
	if (setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)) < 0 ||
	    bind(fd, (const struct sockaddr *)&here, sizeof(here)) < 0) {
		const int error = errno;
		close(fd);
		return -error;
	}
	return fd;
}

// The number of a frame's VLAN: the lower 12 bits of the tag (802.1Q).
static uint16_t vlan_of(struct msghdr *message)
{
	for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part; part = CMSG_NXTHDR(message, part)) {
		if (part->cmsg_level != SOL_PACKET || part->cmsg_type != PACKET_AUXDATA)
			continue;
		struct tpacket_auxdata more;
		memcpy(&more, CMSG_DATA(part), sizeof(more));
		return more.tp_status & TP_STATUS_VLAN_VALID ? more.tp_vlan_tci & 0xfff : 0;
	}
	return 0;
}

long clinux_packet_receive(int fd, void *frame, size_t size, bool *outgoing, uint16_t *vlan)
{
	struct sockaddr_ll from = { 0 };
	struct iovec place = { .iov_base = frame, .iov_len = size };
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
	struct msghdr message = {
		.msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &place, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control)
	};
	const ssize_t got = recvmsg(fd, &message, 0);
	if (got < 0)
		return -errno;
	*outgoing = from.sll_pkttype == PACKET_OUTGOING;
	*vlan = vlan_of(&message);
	return got;
}

int clinux_packet_send(int fd, const void *frame, size_t size)
{
	return send(fd, frame, size, 0) < 0 ? -errno : 0;
}
