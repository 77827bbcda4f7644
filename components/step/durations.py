"""Durations as people say them."""


def duration(seconds: float) -> str:
    """Return `seconds` as a person says it: 0.4 s, 12 s, 3 min 05 s, 2 h 07 min; whole ones, as an int, as 4 s."""
    if seconds < 10:
        return f"{seconds:.1f} s" if isinstance(seconds, float) else f"{seconds} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"
