"""How figures read in a sentence."""


def figure(value: float) -> str:
    """1,204 · 12 · 1.5 · 0.05 · 0"""
    if value >= 9.95:
        return f"{value:,.0f}"
    return f"{value:.1f}".removesuffix(".0") if value >= 0.95 or value == 0 else f"{value:.2g}"


def duration(seconds: float) -> str:
    """45 s · 15 min · 3 h · 9 days"""
    for most, unit_seconds, unit in ((90, 1, "s"), (5_400, 60, "min"), (129_600, 3_600, "h")):
        if seconds < most:
            return f"{seconds / unit_seconds:.0f} {unit}"
    return f"{seconds / 86_400:.0f} days"
