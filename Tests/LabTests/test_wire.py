"""The rig itself: several hosts on one wire; the wire and each host's power can be cut."""

import subprocess

import pytest


@pytest.fixture
def two_hosts(lab, lab_host):
    yield lab_host, lab.host(2)
    lab.wire.mend()
    lab.lose_host(2)


def reaches(one, other):
    return one.run(f"ping -q -c 2 -w 10 {other.address}", expect=None).returncode == 0


def test_cuts_and_power_cuts(lab, two_hosts):
    one, two = two_hosts
    assert reaches(one, two)

    lab.wire.cut(1, 2)
    assert not reaches(one, two)
    assert not reaches(two, one)
    lab.wire.mend()
    assert reaches(two, one)

    two.cut_power()
    assert (one.state, two.state) == ("running", "crashed")
    assert not reaches(one, two)
    two.start()
    assert reaches(one, two)
    with pytest.raises(subprocess.CalledProcessError):
        two.lab.wire.execute("ping", "-q", "-c", "1", "-w", "2", "10.8.0.13", stdout=subprocess.DEVNULL)
