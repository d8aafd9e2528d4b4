"""What a failed test tells of the world around it."""

import pytest

from tests.support import processes

LINES = 60  # of each server's log
REPORTS = pytest.StashKey[list[pytest.TestReport]]()


def keep(item: pytest.Item, report: pytest.TestReport) -> None:
    """Note how a phase of a test has ended; to a failure, add the servers' logs."""
    item.stash.setdefault(REPORTS, []).append(report)
    if not report.failed:
        return
    for server in processes.servers:
        lines = server.lines[-LINES:] or ["(nothing)\n"]
        report.sections.append((f"The log of {server.command}", "".join(lines)))


def has_failed(node: pytest.Item) -> bool:
    """Whether a test has failed so far; for the end of its fixtures."""
    return any(report.failed for report in node.stash.get(REPORTS, []))
