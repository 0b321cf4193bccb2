"""The documents, the man pages and the shells' completions: what is generated is current, and what they name exists."""

import json
import os
import re
import subprocess

import pexpect
import pytest

from rig.docs import make_docs
from rig.tree import TREE

PAGES = [TREE / "README.md", TREE / "CONTRIBUTING.md", *sorted((TREE / "docs").glob("*.md"))]


def asked(binary, *words):
    return json.loads(subprocess.run([binary, *words], check=True, stdout=subprocess.PIPE).stdout)


def commands(command, path=()):
    """Every command that the help shows, as its words."""
    path = (*path, command["commandName"])
    yield "-".join(path), command
    for child in command.get("subcommands", []):
        if child["shouldDisplay"] and child["commandName"] != "help":
            yield from commands(child, path)


def rendered(page):
    """The page as shown, without a warning about its markup."""
    result = subprocess.run(
        ["man", "--warnings", "--local-file", page], capture_output=True, text=True, check=True,
        env={**os.environ, "MANWIDTH": "200", "MAN_KEEP_FORMATTING": "", "LC_ALL": "C.UTF-8"})
    assert result.stderr == "", page
    return result.stdout


def test_each_command_has_a_page_with_all_its_options(binary, docs):
    root = asked(binary, "--experimental-dump-help")["command"]
    pages = dict(commands(root))
    assert {f"{name}.1" for name in pages} | {"start_a_kvm.sh.1", "vm.params.5"} == {
        page.name for page in (docs / "man").iterdir()}
    for name, command in pages.items():
        text = rendered(docs / "man" / f"{name}.1")
        for argument in command["arguments"]:
            if argument["valueName"] != "version" and argument["shouldDisplay"] and argument["kind"] != "positional":
                assert f"--{argument['preferredName']['name']}" in text, name


def test_vm_params_has_each_key_and_what_may_stand_for_n(binary, docs):
    text = rendered(docs / "man/vm.params.5")
    for key in asked(binary, "keys", "--json"):
        assert re.search(rf"\b{key['key']}\b", text)
        if key["isBuilt"]:
            assert f"{key['key'].replace('n', '0')}={key['example']}" in text
    assert "n is 0 to 25" in text


def test_generated_parts_of_documents_are_current(binary):
    check = subprocess.run([TREE / "tools/blocks", "--check", binary], capture_output=True, text=True)
    assert (check.returncode, check.stderr) == (0, "")


def test_readme_is_short_and_lists_each_command(binary):
    readme = (TREE / "README.md").read_text()
    assert len(readme.splitlines()) <= 130
    table = readme.split("## Commands\n")[1].split("\n## ")[0]
    cells = "".join(line.split("|")[1] for line in table.splitlines() if line.startswith("| `"))
    listed = {re.sub(r" *[A-Z…]+$", "", words) for words in re.findall("`(.+?)`", cells)}
    root = asked(binary, "--experimental-dump-help")["command"]
    assert listed == {
        name.removeprefix("kvmctl-").replace("-", " ") for name, command in commands(root)
        if name != "kvmctl" and not any(child["shouldDisplay"] for child in command.get("subcommands", []))}


def anchors(page):
    headings = re.findall("^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_names_exists(page):
    text = page.read_text()
    for path, anchor in re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", text):
        target = page.parent / path if path else page
        assert target.exists(), path
        assert not anchor or anchor in anchors(target), f"{path}#{anchor}"
    tops = "|".join(path.name for path in TREE.iterdir() if path.is_dir() and path.name[0] != ".")
    for path in re.findall(rf"`[^`\n]*?\b((?:{tops})/[\w./*@-]+)", text):
        assert list(TREE.glob(path.rstrip("."))), path
    sources = {path.name for path in TREE.glob("Sources/**/*.*")}
    assert set(re.findall(r"`(\w+\.(?:swift|c))`", text)) <= sources
    tests = {path.name for path in TREE.glob("Tests/**/test_*.py")}
    for path in TREE.glob("Tests/**/test_*.py"):
        tests |= set(re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE))
    assert set(re.findall(r"\btest_\w+(?:\.py)?", text)) <= tests


def test_pages_are_well_formed(docs):
    pages = sorted((docs / "man").iterdir())
    lint = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", *pages], capture_output=True, text=True)
    assert (lint.returncode, lint.stdout) == (0, "")
    assert "July 13, 2010" in rendered(docs / "man/start_a_kvm.sh.1")


def test_the_same_binary_makes_the_same_files(binary, docs, tmp_path):
    make_docs(binary, tmp_path / "again")
    subprocess.run(["diff", "-r", docs, tmp_path / "again"], check=True)


SHELLS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], "PS1='> '; source {file}"),
    "zsh": (["zsh", "-f", "-i"], "PS1='> '; fpath=({file:h} $fpath); autoload -U compinit; compinit -D -u"),
    "fish": (["fish", "--no-config", "-i"], "function fish_prompt; echo '> '; end; source {file}"),
}


@pytest.fixture
def vms(tmp_path, binary):
    """A directory with the VMs alpha and beta, and the binary in PATH under both its names."""
    for name in ("alpha", "beta"):
        (tmp_path / "roots" / name).mkdir(parents=True)
        (tmp_path / "roots" / name / "vm.params").write_text("")
    (tmp_path / "bin").mkdir()
    for name in ("kvmctl", "start_a_kvm.sh"):
        (tmp_path / "bin" / name).symlink_to(binary)
    return tmp_path


@pytest.fixture(params=SHELLS)
def shell(request, vms, docs):
    words, setup = SHELLS[request.param]
    file = docs / "completions" / request.param
    if request.param == "zsh":
        file = vms / "functions" / "_kvmctl"
        file.parent.mkdir()
        file.write_bytes((docs / "completions/zsh").read_bytes())
    environment = {
        **os.environ, "PATH": f"{vms}/bin:{os.environ['PATH']}", "KVMCTL_VMS": f"{vms}/roots",
        "KVMCTL_RUN": f"{vms}/run", "TERM": "dumb", "HOME": str(vms)}
    shell = pexpect.spawn(
        words[0], words[1:], env=environment, encoding="utf-8", timeout=60, dimensions=(50, 200), cwd=vms)
    shell.sendline(setup.replace("{file:h}", str(file.parent)).replace("{file}", str(file)) + "; echo REA''DY")
    shell.expect("READY\r")
    assert not re.search("error|not found|unknown", shell.before, re.IGNORECASE)
    yield shell
    shell.close(force=True)


@pytest.mark.parametrize("typed, completed", [
    ("kvmctl expl", "kvmctl explain"), ("kvmctl net conf", "kvmctl net confirm"),
    ("kvmctl start --fore", "kvmctl start --foreground"), ("kvmctl start al", "kvmctl start alpha"),
    ("kvmctl start alpha be", "kvmctl start alpha beta"), ("kvmctl start roots/al", "kvmctl start roots/alpha"),
    ("start_a_kvm.sh roots/alpha/vm", "start_a_kvm.sh roots/alpha/vm.params"),
])
def test_shells_complete(shell, typed, completed):
    begin, end = "\x01", "\x05"
    shell.sendline(f'{typed}\t{begin}echo "{end}]"')
    # echo's output, unlike the shell's echo of the line, has no quotation mark.
    shell.expect(rf"{re.escape(completed)}[/ ]?\]\r")
