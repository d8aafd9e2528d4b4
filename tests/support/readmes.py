"""The Python that a stage's README shows, so that a test can run it."""

import re
import textwrap

from tests.support.processes import ROOT


def python_of(folder: str) -> list[str]:
    """Each block of Python in the README of ``folder``, without its indentation."""
    readme = (ROOT / folder / "README.md").read_text("utf-8")
    blocks = re.findall(r"^ *```python\n(.*?)^ *```", readme, re.MULTILINE | re.DOTALL)
    return [textwrap.dedent(block) for block in blocks]
