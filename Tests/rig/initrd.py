"""The tiny guest's initramfs with more in it."""

import gzip
import subprocess


def with_files(host, tree):
    """The one that has the agent, with what is below `tree` too: the kernel unpacks one archive after the other."""
    names = "\n".join(str(path.relative_to(tree)) for path in sorted(tree.rglob("*")))
    archive = subprocess.run(
        ["cpio", "--quiet", "-o", "-H", "newc", "-R", "0:0"], input=names.encode(), cwd=tree, capture_output=True,
        check=True).stdout
    initrd = host.root / "initrd"
    initrd.write_bytes((host.guests / "initrd-agent.gz").read_bytes() + gzip.compress(archive))
    return initrd
