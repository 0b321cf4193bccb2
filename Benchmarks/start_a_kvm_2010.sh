#!/usr/bin/env bash
# start_a_kvm_2010.sh PARAMS [ARGUMENT…]: the script of 2010, re-created: it sources vm.params, makes a tap, joins it to
# br0 and runs QEMU. The arguments are for QEMU, so that the benchmark can learn when the machine is ready. The original
# ran qemu-kvm, which is now spelled -accel.
set -e

# shellcheck source=/dev/null
. "$1"
shift

TAP=$(tunctl -b -u root)
brctl addif br0 "$TAP"
ip link set "$TAP" up

exec qemu-system-x86_64 -accel tcg -m "$MEMORY" \
    -drive file="$DISK0",if=virtio,format=raw -drive file="$DISK1",if=virtio,format=raw \
    -net nic,model=virtio,macaddr="$MAC" -net tap,ifname="$TAP",script=no,downscript=no \
    -vnc 127.0.0.1:"$VNCDISP" -boot c "$@"
