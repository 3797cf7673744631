"""How good a ranking is, measured against the judged questions."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

FILE = Path(__file__).with_name("judgements.yaml")
DEPTH = 10


@dataclass(frozen=True)
class Judgement:
    """One question with the grade of every title of the catalog that has one."""

    q: str
    kind: str
    why: str
    none: bool
    grades: dict[str, int]  # by dataset id


def read(datasets: list[tuple[str, str, str]]) -> list[Judgement]:
    """The questions, graded over the datasets (id, place, title)."""
    found = []
    for entry in yaml.safe_load(FILE.read_text(encoding="utf-8")):
        grades = {}
        for identifier, place, title in datasets:
            if entry.get("place") not in (None, place):
                continue
            grade = next((g for g in (3, 2, 1) if re.search(entry.get(f"g{g}") or "$^", title)), 0)
            if grade:
                grades[identifier] = grade
        found.append(
            Judgement(entry["q"], entry["kind"], entry["why"], bool(entry.get("none")), grades)
        )
    return found


def dcg(grades: list[int]) -> float:
    """Discounted cumulative gain: a gain of 2^grade − 1, by the logarithm of the rank."""
    return sum((2**grade - 1) / math.log2(rank + 1) for rank, grade in enumerate(grades, 1))


def ndcg(judgement: Judgement, ranked: list[str], depth: int = DEPTH) -> float:
    """nDCG of the first ``depth`` ids; the ideal is over the whole catalog."""
    best = dcg(sorted(judgement.grades.values(), reverse=True)[:depth])
    got = dcg([judgement.grades.get(identifier, 0) for identifier in ranked[:depth]])
    return got / best if best else 0.0


def mean(values: list[float]) -> float:
    """The average; 0 for nothing."""
    return sum(values) / len(values) if values else 0.0


def table(rows: list[dict[str, Any]]) -> str:
    """The scores by kind of question as a Markdown table."""
    lines = [
        "| 查询类型 Kind | 查询数 Queries | 原版 CKAN nDCG@10 | 本平台 nDCG@10 |",
        "|---|---:|---:|---:|",
    ]
    kinds = list(dict.fromkeys(row["kind"] for row in rows))
    for kind in [*kinds, None]:
        of_kind = [row for row in rows if kind in (None, row["kind"])]
        scores = (mean([row[side] for row in of_kind]) for side in ("stock", "ours"))
        cells = " | ".join(f"{score:.3f}" for score in scores)
        lines.append(f"| {kind or '**全部 all**'} | {len(of_kind)} | {cells} |")
    return "\n".join(lines)
