"""Validates requests against Amazon's published service model, which botocore carries as data.

botocore's client checks required members, types and lower bounds before it sends; Amazon checks patterns, enums and
upper bounds as well, and so does the stand-in.
"""

from __future__ import annotations

import functools
import re
from typing import Any

from botocore.loaders import Loader
from botocore.model import ServiceModel, Shape

from .errors import Invalid, UnknownOperation

TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "long": (int,),
    "boolean": (bool,),
    "timestamp": (int, float, str),
    "list": (list,),
    "structure": (dict,),
}


@functools.cache
def service() -> ServiceModel:
    """Return the model of the API, version 2017-01-17."""
    return ServiceModel(Loader().load_service_model("mturk", "service-2"), "mturk")


def check_request(operation: str, sent: dict[str, Any]) -> None:
    """Raise Invalid with the name of the first member that breaks its constraint."""
    if operation not in service().operation_names:
        raise UnknownOperation(operation)
    _check(service().operation_model(operation).input_shape, sent, "")


def _check(shape: Shape, value: Any, at: str) -> None:
    if not isinstance(value, TYPES[shape.type_name]):
        raise _refusal(value, at, f"be a {shape.type_name}")
    if shape.type_name == "structure":
        for name in shape.required_members:
            if name not in value:
                raise _refusal(None, f"{at}.{name}", "not be null")
        for name, member in value.items():
            if name in shape.members:
                _check(shape.members[name], member, f"{at}.{name}")
    elif shape.type_name == "list":
        for number, member in enumerate(value):
            _check(shape.member, member, f"{at}.{number}")
    else:
        _check_scalar(shape, value, at)


def _check_scalar(shape: Shape, value: Any, at: str) -> None:
    limits = shape.metadata
    size = len(value) if isinstance(value, str) else value
    if "pattern" in limits and not re.search(limits["pattern"], value):
        raise _refusal(value, at, f"satisfy regular expression pattern: {limits['pattern']}")
    if shape.type_name == "string" and shape.enum and value not in shape.enum:
        raise _refusal(value, at, f"satisfy enum value set: {shape.enum}")
    if size != "" and shape.type_name != "timestamp" and not limits.get("min", size) <= size <= limits.get("max", size):
        raise _refusal(value, at, f"lie between {limits.get('min')} and {limits.get('max')}")


def _refusal(value: Any, at: str, rule: str) -> Invalid:
    return Invalid(f"1 validation error detected: Value '{value}' at '{at.strip('.')}' failed: Member must {rule}")
