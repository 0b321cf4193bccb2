/// What a guest that goes on from a warm image does first.
package enum Renewal {
    /// The program (`Reseeding`) in the guest, since its image was made: what has to be done if nothing else is wanted. It is not there
    /// if the guest does not execute it.
    package static let program = "/run/kvmctl/renew"

    /// The exit code of the script if the guest's random numbers could not be made anew at once.
    package static let mayRepeat: Int32 = 3

    /// The script for the guest's /bin/sh, which puts the program there and has it do its work. It reads the program and then what that
    /// reads, and has four parameters: the time in seconds since the epoch; the size of the program; a new host name, and a new
    /// machine-id, both empty if they are not wanted.
    ///
    /// What is written to a pipe at once, and is as short, is read at once (pipe(7), PIPE_BUF): `dd` takes the program and leaves
    /// the rest.
    ///
    /// A directory may forbid execution (mount(8), noexec), as /run does in Debian. A name in /dev/shm, where everybody
    /// may write, has to be a new one.
    package static let script = #"""
        umask 077
        date -u -s "@$1" >/dev/null 2>&1
        place=/run/kvmctl
        [ -d "$place" ] || mkdir -p "$place" || exit 4
        [ -e "$place/renew" ] || rm -f "$place/renew"
        dd of="$place/renew" bs="$2" count=1 2>/dev/null || exit 4
        [ -x "$place/renew" ] || chmod 700 "$place/renew"
        "$place/renew" 2>/dev/null
        code=$?
        if [ $code != 0 ]; then
            other=$(mktemp -d /dev/shm/kvmctl.XXXXXX 2>/dev/null) || other=$(mktemp -d /root/kvmctl.XXXXXX)
            if [ -n "$other" ] && cp "$place/renew" "$other/renew" && "$other/renew" 2>/dev/null; then
                code=0
                ln -sf "$other/renew" "$place/renew"
            else
                rm -rf "$other" "$place/renew"
            fi
        fi
        for driver in /sys/bus/acpi/drivers/vmgenid /sys/bus/platform/drivers/vmgenid; do
            for device in "$driver"/*:*; do if [ -e "$device" ]; then code=0; fi; done
        done
        if [ -n "$3" ]; then
            printf '%s\n' "$3" >/proc/sys/kernel/hostname
            if [ -e /etc/hostname ]; then printf '%s\n' "$3" >/etc/hostname; fi
        fi
        if [ -n "$4" ]; then
            umask 022
            printf '%s\n' "$4" >/etc/machine-id.kvmctl && mv /etc/machine-id.kvmctl /etc/machine-id
            if [ -f /var/lib/dbus/machine-id ] && [ ! -L /var/lib/dbus/machine-id ]; then
                cp /etc/machine-id /var/lib/dbus/machine-id
            fi
            # The kernel keeps the id of its boot: what asks from now on reads another one. The journal has asked before.
            cat /proc/sys/kernel/random/uuid >"$place/boot_id" &&
                mount --bind "$place/boot_id" /proc/sys/kernel/random/boot_id &&
                if [ -d /run/systemd/system ]; then systemctl --no-block restart systemd-journald; fi
        fi
        [ $code = 0 ] || exit 3
        """#

    /// The script that waits a few seconds until the guest has cards with these MACs, its parameters.
    package static let awaiting = #"""
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
        """#
}
