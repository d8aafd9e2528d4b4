"""Medians, ratios, slopes and comparisons: the arithmetic of the tables."""

import pytest

from benchmarks import report
from benchmarks.results import Results, compare, fit


def results(**echo: list[float]) -> Results:
    """A run of ``echo`` whose rows have these figures, one for each round."""
    rows = {row: {"cpu_us": figures} for row, figures in echo.items()}
    return Results("2026-01-01 12:00", {}, {}, {}, tables={"echo": rows})


def run(bare: list[float], layer: list[float]) -> Results:
    return results(**{"bare ASGI": bare, "the layer": layer})


def test_a_figure_is_the_median_of_its_rounds() -> None:
    assert results(picows=[9.0, 7.0, 100.0]).median("echo", "picows", "cpu_us") == 9.0


def test_a_ratio_is_made_within_each_round() -> None:
    # Whatever slows one round down for both sides does not change it.
    slow_in_between = run([10.0, 100.0, 10.0], [12.0, 120.0, 13.0])
    assert slow_in_between.ratio("echo", "the layer", "cpu_us") == pytest.approx(1.2)


def test_without_its_base_a_row_has_no_ratio() -> None:
    assert results(picows=[7.0]).ratio("echo", "picows", "cpu_us") is None


def test_a_line_is_found_again() -> None:
    line = fit([1, 10, 100, 1000], [5 + 0.25 * x for x in (1, 10, 100, 1000)])
    assert line.start == pytest.approx(5)
    assert line.slope == pytest.approx(0.25)
    assert line.off == pytest.approx(0) and not line.bends


def test_a_cost_that_does_not_grow_has_the_slope_0() -> None:
    line = fit([10, 100, 5000], [16.0, 16.0, 16.0])
    assert (line.start, line.slope) == pytest.approx((16, 0))


def test_a_single_point_is_a_flat_line() -> None:
    assert fit([10], [7.0]) == pytest.approx((7, 0, 0))


def test_noise_of_a_tenth_is_no_bend() -> None:
    assert not fit([1, 10, 100, 1000], [5.2, 7.0, 32.0, 250.0]).bends


@pytest.mark.parametrize("grow", [lambda x: 5 + x**2, lambda x: 5 + 40 * x**0.5])
def test_a_cost_that_grows_otherwise_than_a_line_bends(grow: object) -> None:
    xs = [1.0, 10.0, 100.0, 1000.0]
    assert fit(xs, [grow(x) for x in xs]).bends  # type: ignore[operator]


def test_a_ratio_that_moved_by_more_than_a_tenth_is_marked() -> None:
    then = results(**{"bare ASGI": [10.0], "the layer": [12.0], "picows": [5.0]})
    now = results(**{"bare ASGI": [20.0], "the layer": [30.0], "picows": [10.4]})
    changes = {change.row: change for change in compare(now, then)}
    assert changes["the layer"].moved and not changes["picows"].moved
    said = report.changes(list(changes.values()), then)
    assert "1 of 2 ratios moved by more than 10 % since 2026-01-01 12:00." in said
    assert [line.split()[-3:] for line in said.splitlines() if "the layer" in line] == [
        ["1.20", "1.50", "+25%"]
    ]


def test_what_only_one_of_two_runs_has_is_not_compared() -> None:
    then = run([10.0], [12.0])
    assert compare(results(**{"bare ASGI": [10.0], "picows": [7.0]}), then) == []
