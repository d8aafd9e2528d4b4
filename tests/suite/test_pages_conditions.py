"""What the tests of pages wait for in a page."""

import re

from tests.support.processes import ROOT

# The call, and what its literal begins with.
WAITS = re.compile(r'wait_for_function\(\s*f?("""|")(.*?)\1', re.DOTALL)


def conditions(code: str) -> list[str]:
    """The JavaScript that a test's file hands over as a literal."""
    return [condition for _, condition in WAITS.findall(code)]


def test_each_condition_is_a_function() -> None:
    # Playwright evaluates an expression once more at each look, as a string. The chat's
    # policy forbids that: the test would fail only where the first look came too early.
    found = [
        (path.name, condition)
        for path in sorted((ROOT / "tests").rglob("*.py"))
        for condition in conditions(path.read_text("utf-8"))
    ]
    assert len(found) > 5
    assert [name for name, condition in found if "=>" not in condition] == []
