"""The JSON schema of a file of parameters, by which an editor completes, explains and checks it."""

from collections.abc import Mapping
from typing import Any

from pipeline.compiled import Parameter

# What `pipeline.config` reads of YAML: where text is declared any plain value is text.
TYPES: Mapping[str, Any] = {
    "STRING": ["string", "number", "boolean"],
    "NUMBER_INTEGER": "integer",
    "NUMBER_DOUBLE": "number",
    "BOOLEAN": "boolean",
    "STRUCT": "object",
    "LIST": "array",
}


def config_schema(declared: Mapping[str, Parameter]) -> dict[str, Any]:
    """Return the schema of a file that `pipeline.config.read_config` takes for the parameters `declared`."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Parameters of a Pawline run",
        "type": "object",
        "additionalProperties": False,
        "properties": {name: _property(parameter) for name, parameter in declared.items()},
    }


def _property(parameter: Parameter) -> dict[str, Any]:
    default = {} if parameter.default is None else {"default": parameter.default}
    return {"type": TYPES[parameter.kind], "description": parameter.description, **default}
