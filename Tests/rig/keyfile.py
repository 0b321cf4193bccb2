#!/usr/bin/python3
"""keyfile.py FILE…: reads key files with NetworkManager's own library, prints what it parsed as JSON.

Exit code 1 if the library warns of anything in them, or finds a profile invalid.
"""

import json
import sys

import gi

gi.require_version("NM", "1.0")
from gi.repository import NM, GLib  # noqa: E402  (the version has to be asked for first)


def profile(path):
    file = GLib.KeyFile()
    file.load_from_file(path, GLib.KeyFileFlags.NONE)
    warnings = []

    def warn(_file, _connection, _kind, data, _user):
        warnings.append(str(data))
        return False

    connection = NM.keyfile_read(file, "/etc/NetworkManager/system-connections", NM.KeyfileHandlerFlags.NONE, warn, None)
    assert not warnings, warnings
    connection.normalize(None)
    connection.verify()
    return connection


def described(connection):
    setting, wired, bridge = (
        connection.get_setting_connection(), connection.get_setting_wired(), connection.get_setting_bridge())
    families = [one for one in (connection.get_setting_ip4_config(), connection.get_setting_ip6_config()) if one]
    addresses = [one.get_address(number) for one in families for number in range(one.get_num_addresses())]
    routes = [one.get_route(number) for one in families for number in range(one.get_num_routes())]
    return {
        "master": setting.get_master(), "slaveType": setting.get_slave_type(), "mtu": wired.get_mtu() if wired else None,
        "mac": bridge.get_mac_address().lower() if bridge else None,
        "addresses": [f"{one.get_address()}/{one.get_prefix()}" for one in addresses],
        "routes": [text(one) for one in routes],
    }


def text(route):
    attributes = "".join(
        f" {name} {route.get_attribute(name).unpack()}" for name in sorted(route.get_attribute_names()))
    return f"{route.get_dest()}/{route.get_prefix()} via {route.get_next_hop()} metric {route.get_metric()}{attributes}"


try:
    print(json.dumps([described(profile(path)) for path in sys.argv[1:]]))
except (AssertionError, GLib.Error) as error:
    sys.exit(f"{sys.argv[1:]}: {error}")
