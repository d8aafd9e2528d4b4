"""Durations in words."""


def seconds(value: float) -> str:
    """A duration with three digits and a unit that suits it: ``1.25 s``, ``80 ms``.

    The next unit begins where three digits would round up to 1000 of the smaller one.
    """
    if value >= 0.9995:
        return f"{value:.2f} s"
    if value >= 0.9995e-3:
        return f"{value * 1e3:.3g} ms"
    return f"{value * 1e6:.0f} µs"
