"""A parameter that is one of a few names."""

from collections.abc import Collection, Sequence

from components.step.errors import UsageError, one_line
from components.step.nearest import did_you_mean_or_choose


def check_choice(name: str, value: object, legal: Sequence[str]) -> None:
    """Check that `value`, of the parameter `name`, is one of `legal`.

    Raises:
        UsageError: it is not; the message has the nearest that is.
    """
    if value in legal:
        return
    hint = did_you_mean_or_choose(str(value), legal)
    raise UsageError(
        f"{name} must be {', '.join(legal[:-1])} or {legal[-1]}. Received: {name}={one_line(repr(value), 40)}. {hint}"
    )


def check_one_of(rule: str, given: str, value: str, legal: Collection[str]) -> None:
    """Check that `value` is one of `legal`; `rule` says what must be, `given` what stands before the value received.

    Raises:
        UsageError: it is not; the message has the nearest that is.
    """
    if value not in legal:
        received, hint = f"{given}{one_line(repr(value), 40)}", did_you_mean_or_choose(value, legal)
        raise UsageError(f"{rule} must be one of {', '.join(legal)}. Received: {received}. {hint}")
