"""The man pages and the completions, as the build creates them."""

import os
import subprocess

from rig.tree import TREE

JULY_2010 = "1279000000"


def make_docs(binary, directory):
    """Creates them in a new directory, dated July 13, 2010."""
    subprocess.run(
        [TREE / "tools/docs", binary, directory], check=True, env={**os.environ, "SOURCE_DATE_EPOCH": JULY_2010})
