"""The sheet 说明: what the columns and the values of their codes mean. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from ckanext.hljshare.catalog import codelists

from .columns import Column, columns, load

Line = tuple[bool, tuple[str, ...]]  # whether it is a heading, and its cells


def rows(title: str, made: datetime, filters: Mapping[str, str]) -> Iterator[Line]:
    """The sheet's rows. None of them reads as the heading of a catalog list: whoever looks for one
    on every sheet finds the first only."""
    yield True, (title,)
    yield False, (f"依据：{load()['basis']}；版本 {load()['version']}",)
    yield False, (f"生成时间：{made:%Y-%m-%d %H:%M}",)
    chosen = "；".join(f"{name}：{value}" for name, value in filters.items())
    yield False, (f"范围：{chosen or '全部'}",)
    yield False, ("目录不论开放类型一律公布（规范 6.1 a）；限制开放的数据本身不在此列。",)
    yield False, ()
    yield True, ("要素", "栏目", "", "填写说明")
    for column in columns():
        yield False, (column.element or "省增", column.heading, "", column.about)
    yield False, ()
    yield True, ("要素", "栏目", "取值", "含义")
    for column in columns():
        for value, meaning in _values(column):
            yield False, (column.element, column.heading, value, meaning)


def _values(column: Column) -> Iterator[tuple[str, str]]:
    """The values that stand in a column of codes, with their meaning."""
    meanings: dict[str, list[str]] = {}
    for item in codelists.items(column.codes) if column.codes else ():
        meanings.setdefault(_value(item), []).append(codelists.label(column.codes, item["code"]))
    for value, labels in meanings.items():
        yield value, "、".join(labels)


def _value(item: Mapping[str, Any]) -> str:
    return str(item.get("national", item["code"]))
