"""`schedules.yaml`: the schedules that a cluster shall have, as people write and review them."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from components.step.errors import UsageError, one_line
from components.step.nearest import did_you_mean
from components.step.plain_yaml import PlainYaml
from pipeline.compiled import Parameter
from pipeline.config import read_root, read_values
from pipeline.schedules.cron import FIELDS, LONGEST_WAIT, Trigger, parse_trigger
from pipeline.schedules.zones import read_zone

RULE = "A file of schedules is plain YAML, a list of name and cron below `schedules:`, each cron in quotes"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
MOST_AT_ONCE = 10  # What KFP clamps to.


@dataclass(frozen=True, slots=True)
class Schedule:
    """A recurring run: what `schedules.yaml` says of it, and what holds where it says nothing."""

    name: str
    trigger: Trigger
    time_zone: ZoneInfo
    parameters: Mapping[str, Any] = field(default_factory=dict)
    concurrency: int = 1
    catch_up: bool = False
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class ScheduleFile:
    """The schedules of a file, and the clock of the controller that will fire them."""

    controller_time_zone: ZoneInfo
    schedules: tuple[Schedule, ...]


def read_schedules(path: Path, declared: Mapping[str, Parameter]) -> ScheduleFile:
    """Return the schedules in the file at `path`; their parameters are of the types in `declared`.

    Raises:
        UsageError: the file cannot be read, has an unknown key or one name twice, or a value is not legal; or what is
            named is a cron.
    """
    _check_is_no_cron(path)
    return _Reader(PlainYaml(str(path), RULE), declared).file(path)


def _check_is_no_cron(path: Path) -> None:
    text = str(path)
    if path.exists() or not (text.startswith("@") or len(text.split()) >= len(FIELDS)):
        return
    cron = one_line(parse_trigger(text).text, 120)  # Says what is wrong with it, if anything is.
    raise UsageError(
        f'Schedules are declared in a file. Received: the cron "{cron}" in its place. Write into schedules.yaml: '
        f'schedules: [{{name: nightly, cron: "{cron}"}}]'
    )


@dataclass(frozen=True, slots=True)
class _Reader:
    source: PlainYaml
    declared: Mapping[str, Parameter]

    def file(self, path: Path) -> ScheduleFile:
        readers = {"controller_time_zone": self.zone, "schedules": self.items}
        root = read_root(path, self.source)
        found = self.keys(root, readers)
        self.require(found, ["schedules"], root)
        zone = found.get("controller_time_zone", ZoneInfo("UTC"))
        schedules = tuple(Schedule(**{"time_zone": zone, **values}) for values in found["schedules"])
        return ScheduleFile(zone, schedules)

    def items(self, node: yaml.Node) -> list[dict[str, Any]]:
        if not isinstance(node, yaml.SequenceNode):
            raise self.source.refusal(self.source.at(node), "`schedules` without a list below it")
        found: dict[str, dict[str, Any]] = {}
        for item in node.value:
            values = self.item(item)
            if values["name"] in found:
                raise self.source.refusal(self.source.at(item), f"a second schedule called {values['name']}")
            found[values["name"]] = values
        return list(found.values())

    def item(self, node: yaml.Node) -> dict[str, Any]:
        readers = {
            "name": self.name,
            "cron": self.trigger,
            "time_zone": self.zone,
            "parameters": lambda values: read_values(self.mapping(values), self.declared, self.source),
            "concurrency": self.concurrency,
            "catch_up": self.boolean,
            "enabled": self.boolean,
        }
        values = self.keys(self.mapping(node), readers)
        self.require(values, ["name", "cron"], node)
        return {("trigger" if key == "cron" else key): value for key, value in values.items()}

    def keys(self, mapping: yaml.MappingNode, readers: Mapping[str, Callable[[yaml.Node], Any]]) -> dict[str, Any]:
        values = {}
        for key, node in self.source.pairs(mapping):
            if key not in readers:
                known = f"{did_you_mean(key, readers)}There are: {', '.join(readers)}"
                raise self.source.refusal(self.source.at(node), f"the unknown key {one_line(key, 60)}. {known}")
            values[key] = readers[key](node)
        return values

    def require(self, found: Mapping[str, Any], names: list[str], node: yaml.Node) -> None:
        if missing := [name for name in names if name not in found]:
            raise self.source.refusal(self.source.at(node), f"no {' and no '.join(missing)}")

    def mapping(self, node: yaml.Node) -> yaml.MappingNode:
        if not isinstance(node, yaml.MappingNode):
            raise self.source.refusal(self.source.at(node), "something else than `name: value` lines")
        return node

    def text(self, node: yaml.Node) -> str:
        if not isinstance(node, yaml.ScalarNode):
            raise self.source.refusal(self.source.at(node), "a list or a mapping where one value belongs")
        return str(node.value)

    def name(self, node: yaml.Node) -> str:
        text = self.text(node)
        if not NAME.fullmatch(text):
            rule = "A schedule's name must be 1 to 63 letters, digits, dots, dashes or underscores"
            raise UsageError(f"{rule}. Received: {one_line(repr(text), 90)} at {self.source.at(node)}. Rename it.")
        return text

    def trigger(self, node: yaml.Node) -> Trigger:
        trigger = parse_trigger(self.text(node), self.source.at(node))
        if next(trigger.fires(datetime.now(UTC), UTC), None) is None:
            raise UsageError(
                f"A schedule must fire within {LONGEST_WAIT} years, or KFP never does. "
                f'Received: "{one_line(trigger.text, 120)}" at {self.source.at(node)}. Correct it.'
            )
        return trigger

    def zone(self, node: yaml.Node) -> ZoneInfo:
        return read_zone(self.text(node), "A time zone", self.source.at(node))

    def concurrency(self, node: yaml.Node) -> int:
        text = self.text(node)
        if not re.fullmatch("[0-9]{1,2}", text) or not 1 <= int(text) <= MOST_AT_ONCE:
            raise self._refused("concurrency", f"1 to {MOST_AT_ONCE}", text, node)
        return int(text)

    def boolean(self, node: yaml.Node) -> bool:
        text = self.text(node)
        if text not in ("true", "false"):
            raise self._refused("catch_up and enabled", "true or false", text, node)
        return text == "true"

    def _refused(self, what: str, rule: str, text: str, node: yaml.Node) -> UsageError:
        where = self.source.at(node)
        return UsageError(f"{what} must be {rule}. Received: {one_line(repr(text), 60)} at {where}. Correct it.")
