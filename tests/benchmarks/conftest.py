"""What the tests of the benchmarks share: a scale at which a run takes seconds."""

import pytest

from benchmarks.measure import Scale


@pytest.fixture(scope="session")
def tiny() -> Scale:
    return Scale(
        seconds=0.05,
        warm_up=0.01,
        clients=4,
        members=5,
        idle=(2, 4),
        switches=200,
        growth_seconds=0.02,
        growth_rounds=1,
        connections=(1, 4),
        bytes=(16, 65_536),
        group=(1, 4),
        groups=(1, 20),
        beside=3,
    )
