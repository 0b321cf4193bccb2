"""The recipes for CI servers in docs/ci.md: their scripts, run as the servers' runners run them."""

import re
import subprocess
import xml.etree.ElementTree

import pytest

from rig.tree import TREE

PAGE = TREE / "docs/ci.md"


def scripts():
    """The shell of each recipe: what follows `run: |`, and the items of `script:`."""
    found = {}
    for block in re.findall(r"^```yaml\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL):
        if steps := re.search(r"^( *)run: \|\n((?:\1  .*\n)+)", block, re.MULTILINE):
            found["GitHub"] = re.sub(f"^{steps[1]}  ", "", steps[2], flags=re.MULTILINE)
        if items := re.search(r"^( *)script:\n((?:\1  - .*\n)+)", block, re.MULTILINE):
            found["GitLab"] = "".join(line.strip()[2:] + "\n" for line in items[2].splitlines())
    return found


# bash: how the servers' runners start a script (GitHub: `shell: bash`; GitLab: its shell executor).
SHELL = ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail"]


@pytest.mark.parametrize("server, code", [("GitHub", 0), ("GitHub", 3), ("GitLab", 3)])
def test_a_recipe_does_what_it_says(host, server, code):
    params = host.write_tiny_vm("ci", "tiny.agent", INITRD=host.guests / "initrd-agent.gz", MEMORY=192)
    script = scripts()[server]
    assert script.count("kvmctl run ") == 1
    # What is tested fails.
    script = script.replace("tee /tmp/report/kernel'", f"tee /tmp/report/kernel; exit {code}'")
    job = host.root / "job"
    job.mkdir()
    (job / "script").write_text(script)
    environment = {
        **host.environment, "MODEL": str(params), "PATH": f"{host.binary.parent}:{host.environment['PATH']}",
        "KVMCTL_RUN": str(host.run)}

    def work():
        done = subprocess.run(
            host.command(*SHELL, job / "script"), env=environment, cwd=job, stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=120)
        assert done.returncode == code, done.stderr
        assert [str(path.relative_to(job)) for path in (job / "report").rglob("*")] == ["report/kernel"]
        return done

    work()
    # A job that comes again in the same directory.
    (job / "report/kernel").write_text("of the last time")
    done = work()
    kernel = (job / "report/kernel").read_text()
    assert kernel.startswith("6.") and kernel in done.stdout
    [suite] = xml.etree.ElementTree.parse(job / "result.xml").getroot()
    assert suite.tag == "testsuite" and suite.get("failures") == str(int(code != 0))
    if server == "GitHub":
        assert ("::error title=Test in a VM::exit code 3" in done.stdout) == (code != 0)
        assert done.stdout.index("::group::") < done.stdout.index(kernel) < done.stdout.index("::endgroup::")
    assert host.qemus() == []
