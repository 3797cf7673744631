"""CKAN's validation for many datasets: what it works out anew for each is worked out once.

The validators, their order and their messages are CKAN's and ckanext-scheming's. Three things are
not done again for each dataset of a batch: composing the schema, sorting its keys four times, and
searching all keys for the next free extra. Copies of their functions with other globals do it: no
line of them is repeated here, and whoever validates one dataset goes CKAN's own way.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable
from typing import Any

from ckan.lib.navl import dictization_functions as navl
from ckan.logic import converters
from ckan.types import Context, FlattenDataDict, FlattenErrorDict, FlattenKey, Schema
from ckanext.scheming.plugins import SchemingDatasetsPlugin

Validate = Callable[[dict[str, Any], Schema, Context], tuple[dict[str, Any], dict[str, Any]]]
_NEXT_EXTRA = "hljshare_next_extra"


def with_globals(function: Any, **names: Any) -> Callable[..., Any]:
    """A copy of a function that sees other globals."""
    return types.FunctionType(
        function.__code__,
        {**function.__globals__, **names},
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )


def schema_of(
    plugin: SchemingDatasetsPlugin, data_dict: dict[str, Any], schema: Schema, action: str
) -> Schema:
    """The schema scheming would validate with."""

    def keep(_data: Any, composed: Schema, _context: Any) -> Schema:
        return composed

    compose = with_globals(SchemingDatasetsPlugin.validate, navl_validate=keep)
    composed: Schema = compose(plugin, {}, dict(data_dict), schema, action)
    return _quick(composed)


def _quick(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {name: _quick(value) for name, value in schema.items()}
    return [convert_to_extras if item is converters.convert_to_extras else item for item in schema]


def convert_to_extras(
    key: FlattenKey, data: FlattenDataDict, errors: FlattenErrorDict, context: Context
) -> None:
    """As CKAN's; the next number is remembered, not searched for."""
    number = context.get(_NEXT_EXTRA)
    if not isinstance(number, int):
        taken = [found[1] for found in data if len(found) > 1 and found[0] == "extras"]
        number = max(taken) + 1 if taken else 0
    data[("extras", number, "key")] = key[-1]
    data[("extras", number, "value")] = data[key]
    context[_NEXT_EXTRA] = number + 1


def validator() -> Validate:
    """CKAN's `validate`, for one batch in one thread."""
    last: tuple[Any, list[Any]] = (None, [])

    def sorted_once(items: Iterable[Any], *, key: Callable[[Any], Any]) -> list[Any]:
        nonlocal last
        if items is not last[0]:
            last = (items, sorted(items, key=key))
        return last[1]

    inner = with_globals(navl._validate, sorted=sorted_once)
    found: Validate = with_globals(navl.validate, _validate=inner)
    return found
