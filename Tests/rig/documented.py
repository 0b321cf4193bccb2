"""What docs/json.md says of each schema."""

import re

from rig.tree import TREE

DOCUMENT = TREE / "docs/json.md"


def documented():
    """The keys of each schema, in all tables of its section."""
    sections = re.split(r"^## ", DOCUMENT.read_text(), flags=re.MULTILINE)[1:]
    return {
        section.split(None, 1)[0]: {
            key for line in section.splitlines() if line.startswith("| `")
            for key in re.findall(r"`(\w+)`", line.split("|")[1])
        } for section in sections
    }


def assert_documented(objects, without=()):
    assert objects
    for found in objects:
        assert set(found) == documented()[found["schema"]] - set(without) | {"schema"}
