/// What a guest that goes on from a warm image does first.
package enum Renewal {
    /// The program (`Reseeding`) in the guest, since its image was made: what has to be done if nothing else is wanted. It is not there
    /// if the guest does not execute it.
    package static let program = "/run/kvmctl/renew"

    /// What the script could not do, as its exit code: of several the worst.
    package enum Fault: Int32, Sendable {
        /// Make the guest's random numbers anew at once.
        case mayRepeat = 3
        /// Write to /run, where the program for that goes.
        case noPlace = 4
        /// Give the guest a boot id of its own.
        case bootID = 5
        case hostName = 6
        case machineID = 7
    }

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
        fault=0
        reseed() {
            [ -d "$place" ] || mkdir -p "$place" || return 4
            [ -e "$place/renew" ] || rm -f "$place/renew"
            dd of="$place/renew" bs="$1" count=1 2>/dev/null || return 4
            [ -x "$place/renew" ] || chmod 700 "$place/renew"
            "$place/renew" 2>/dev/null && return
            other=$(mktemp -d /dev/shm/kvmctl.XXXXXX 2>/dev/null) || other=$(mktemp -d /root/kvmctl.XXXXXX)
            if [ -n "$other" ] && cp "$place/renew" "$other/renew" && "$other/renew" 2>/dev/null; then
                ln -sf "$other/renew" "$place/renew"
            else
                rm -rf "$other" "$place/renew"
                return 3
            fi
        }
        reseed "$2" || fault=$?
        for driver in /sys/bus/acpi/drivers/vmgenid /sys/bus/platform/drivers/vmgenid; do
            for device in "$driver"/*:*; do if [ -e "$device" ]; then fault=0; fi; done
        done
        renumber() {
            # The kernel keeps the id of its boot: what asks from now on reads another one. The journal has asked before.
            cat /proc/sys/kernel/random/uuid >"$place/boot_id" &&
                mount --bind "$place/boot_id" /proc/sys/kernel/random/boot_id || return
            if [ -d /run/systemd/system ]; then systemctl --no-block restart systemd-journald; fi
        }
        rename() {
            printf '%s\n' "$1" >/proc/sys/kernel/hostname || return
            read -r name </proc/sys/kernel/hostname && [ "$name" = "$1" ] || return
            [ ! -e /etc/hostname ] || printf '%s\n' "$1" >/etc/hostname
        }
        # A file that something is mounted on can't be replaced, only written.
        identify() {
            [ -d /etc ] || return 0
            umask 022
            { printf '%s\n' "$1" >/etc/machine-id.kvmctl && mv /etc/machine-id.kvmctl /etc/machine-id; } ||
                printf '%s\n' "$1" >/etc/machine-id || return
            if [ -f /var/lib/dbus/machine-id ] && [ ! -L /var/lib/dbus/machine-id ]; then
                cp /etc/machine-id /var/lib/dbus/machine-id
            fi
        }
        if [ -n "$4" ]; then renumber || fault=5; fi
        if [ -n "$3" ]; then rename "$3" || fault=6; fi
        if [ -n "$4" ]; then identify "$4" || fault=7; fi
        exit $fault
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
