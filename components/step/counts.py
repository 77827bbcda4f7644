"""Numbers of things, as people say them."""


def counted(number: int, thing: str, things: str = "") -> str:
    """Return `number` with the name of what it counts: 1 file, 2 files; `things` where a final "s" is not all."""
    return f"{number:,} {thing if number == 1 else things or f'{thing}s'}"
