"""The broken guests of Tests/rig/broken/catalogue.py: what they show, and what `kvmctl wait` and `kvmctl doctor` say."""

import contextlib
import json

import pytest

from rig.broken.catalogue import GROUPS, SAYS
from rig.broken.scene import network, press_power_button, wait_shown

# How long a guest may take until it shows what is wrong, with others on two busy cores.
PATIENCE = 150


@contextlib.contextmanager
def booted(host, group):
    """All guests of a group, booting at once."""
    with network(host) if group == "network" else contextlib.nullcontext():
        for guest in GROUPS[group]:
            guest.write(host)
        host.kvmctl("start", *(guest.name for guest in GROUPS[group]))
        yield GROUPS[group]


def begin_wait(host, guest, timeout):
    return guest, host.popen(
        host.binary, "wait", guest.name, "--for", guest.condition, "--timeout", f"{timeout}s", "--json")


def fault(guest, waiting):
    """What is wrong with what `wait` said; None: nothing."""
    output, errors = waiting.communicate(timeout=PATIENCE + 30)
    [said] = json.loads(output)
    # Where nothing is wrong with the wait, nothing is said of it.
    symptom = None if guest.is_met else guest.symptom
    expected = {"stage": guest.stage or said["stage"], "symptom": symptom, "code": guest.code}
    found = {"stage": said["stage"], "symptom": said["symptom"], "code": waiting.returncode}
    if found == expected and is_explained(symptom, said["cause"], said["remedy"]):
        return None
    return f"{guest.name}: {found}, not {expected}: {said['cause']}, {said['remedy']}; {errors}"


def is_explained(symptom, cause, remedy):
    if symptom is None:
        return True
    said = SAYS[symptom]
    return said[0] in cause and said[1] in remedy


def doctors_faults(host, guests):
    """What is wrong with what `doctor` says of the guests, all in one."""
    found = json.loads(host.kvmctl("doctor", *(guest.name for guest in guests), "--json", expect=None).stdout)
    for guest in guests:
        own = [one for one in found if one["subject"] == guest.name]
        said = next((one for one in own if one["symptom"]), {"symptom": None})
        symptom = guest.doctors_symptom
        if said["symptom"] != symptom or not is_explained(symptom, said.get("text"), said.get("step")):
            yield f"doctor {guest.name}: not {symptom}: {own}"


@pytest.mark.parametrize("group", GROUPS)
def test_what_wait_says(host, group):
    with booted(host, group) as guests:
        waits = [begin_wait(host, guest, PATIENCE) for guest in guests if guest.is_dead_end]
        for guest in guests:
            wait_shown(host, guest, PATIENCE)
            if guest.is_pressed:
                press_power_button(host, guest)
        # What may still get better is waited for when it is as bad as it gets.
        waits += [begin_wait(host, guest, 12) for guest in guests if not guest.is_dead_end]
        faults = [fault(guest, waiting) for guest, waiting in waits] + list(doctors_faults(host, guests))
    assert not any(faults), "\n".join(filter(None, faults))
