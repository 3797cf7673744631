"""How the search reads text: folding, cutting, pinyin, synonyms and place names.

The same folding is used for what is indexed and for what is asked, so that whatever differs only in
width, case, traditional or simplified form meets. Pure: standard library, OpenCC and pypinyin.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from ckanext.hljshare.catalog import codelists
from ckanext.hljshare.paths import CONFIG

SYNONYMS = CONFIG / "solr" / "synonyms.txt"

#: One token of the index: a Han or kana character, a run of digits, or a run of other letters
#: (the pattern of the field type ``text`` in config/solr/conf/schema.xml).
_HAN = "\u3005-\u3007\u3021-\u3029\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_KANA = "\u3040-\u30ff"
TOKEN = re.compile(rf"[{_HAN}{_KANA}]|\d+|[^\W\d_{_HAN}{_KANA}]+")
HAN_RUN = re.compile(rf"[{_HAN}{_KANA}]+")
_SCRIPT_RUN = re.compile(rf"[{_HAN}{_KANA}]+|[^{_HAN}{_KANA}]+")
#: Control and formatting characters (zero-width blanks, soft hyphens, directions).
_INVISIBLE = re.compile("[\x00-\x1f\x7f-\x9f\xad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
_LATIN_MARKS = re.compile(r"([a-z])[\u0300-\u036f]+")


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: Nouns that say nothing about the content; a question is not held to them (公交线路数据 finds
#: 公交线路信息), unless it consists of nothing else.
GENERIC = _set(
    """
    数据 信息 情况 名单 名录 清单 一览 一览表 统计 统计表 统计数据 目录 查询 基本信息 基本情况
    公示 资料 明细 汇总 汇总表 数据集 开放数据 相关 有关 全部 最新
    dataset data list of the in and
    """
)
#: What may be left over between two known words and need not be found.
PARTICLES = _set("的 和 与 及 之 在 省 市 县 区 年 月 内 各 等")


@lru_cache(maxsize=1)
def _converter() -> Any:
    import opencc  # loads its dictionaries: only where text is searched

    return opencc.OpenCC("t2s")


def simplified(text: str) -> str:
    """The text in simplified characters (空氣質量 → 空气质量)."""
    if text.isascii():
        return text
    return str(_converter().convert(text))


@lru_cache(maxsize=4096)
def fold(text: str | None) -> str:
    """Full-width to half-width, lower case, simplified, no control characters, blanks joined."""
    if not text:
        return ""
    folded = simplified(unicodedata.normalize("NFKC", text).casefold())
    return " ".join(_INVISIBLE.sub(" ", folded).split())


def untoned(text: str) -> str:
    """Pinyin without tone marks (gōngjiāo → gongjiao, lǚyóu → lvyou); other text as it is."""
    decomposed = unicodedata.normalize("NFD", text).replace("u\u0308", "v")
    return unicodedata.normalize("NFC", _LATIN_MARKS.sub(r"\1", decomposed))


def tokens(text: str) -> list[str]:
    """The tokens of folded text, as the index cuts them."""
    return TOKEN.findall(text)


def key(text: str | None) -> str:
    """What is left to compare of a title: its tokens without blanks and punctuation."""
    return "".join(tokens(fold(text)))


@lru_cache(maxsize=4096)
def syllables(text: str) -> tuple[str, ...]:
    """The pinyin of each Han character of a text, by word where readings differ (银行 → yin hang);
    digits and other letters stand as tokens of their own, in lower case."""
    from pypinyin import lazy_pinyin  # loads its dictionaries

    found: list[str] = []
    for run in re.findall(rf"[{_HAN}]+|\d+|[^\W\d_{_HAN}{_KANA}]+", fold(text)):
        found.extend(lazy_pinyin(run) if HAN_RUN.match(run) else [run])
    return tuple(found)


@dataclass(frozen=True)
class Words:
    """The known words: each with what it also means, and the places with their short names."""

    synonyms: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    places: Mapping[str, str] = field(default_factory=dict)
    longest: int = 1
    phrases: tuple[str, ...] = ()

    def knows(self, word: str) -> bool:
        """Whether the word is cut out of a longer run."""
        return word in self.synonyms or word in self.places or word in GENERIC


def read_synonyms(lines: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The words of a synonyms file with the words they also find.

    :raises ValueError: a line with fewer than two words
    """
    found: dict[str, list[str]] = {}
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        left, arrow, right = text.partition("=>")
        heads = [fold(word) for word in left.split(",") if word.strip()]
        targets = [fold(word) for word in right.split(",") if word.strip()] if arrow else heads
        if not heads or len({*heads, *targets}) < 2:
            raise ValueError(f"line {number} of the synonyms says nothing: {text}")
        for head in heads:
            known = found.setdefault(head, [])
            known.extend(word for word in targets if word != head and word not in known)
    return {word: tuple(others) for word, others in found.items()}


def read_places(regions: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Province and cities by full and short name, each with its short name.

    Counties are left out: many of their short names are ordinary words (平房, 友谊, 前进), and as
    such they are found without being known.
    """
    found = {"全省": "黑龙江", "我省": "黑龙江"}
    for region in regions:
        if region.get("level") in ("province", "city"):
            short = region["short"]
            found.update({region["label"]["zh_Hans_CN"]: short, short: short})
    return found


@lru_cache(maxsize=4)
def words(path: Path = SYNONYMS) -> Words:
    """The known words of this portal."""
    synonyms = read_synonyms(path.read_text(encoding="utf-8").splitlines())
    places = read_places(codelists.items("region"))
    longest = max(len(word) for word in (*synonyms, *places, *GENERIC))
    phrases = tuple(sorted((w for w in synonyms if " " in w), key=len, reverse=True))
    return Words(synonyms, places, longest, phrases)


def segments(chunk: str, known: Words) -> list[str]:
    """A chunk without blanks, cut into known words (the longest first) and what lies between.

    What lies between is cut again where Han meets other letters. Nothing is lost: the segments
    joined are the chunk.
    """
    found: list[str] = []
    rest = ""
    at = 0

    def flush() -> None:
        nonlocal rest
        for run in _SCRIPT_RUN.findall(rest):
            # A級, 5G网: a single character belongs to the letters or digits before it.
            if len(run) == 1 and HAN_RUN.match(run) and run not in PARTICLES and joins(found):
                found[-1] += run
            else:
                found.append(run)
        rest = ""

    def joins(before: list[str]) -> bool:
        return bool(before) and before[-1].isascii() and not known.knows(before[-1])

    while at < len(chunk):
        word = next(
            (
                chunk[at : at + size]
                for size in range(min(known.longest, len(chunk) - at), 1, -1)
                if known.knows(chunk[at : at + size]) and _stands(chunk, at, at + size)
            ),
            None,
        )
        if word is None:
            rest += chunk[at]
            at += 1
        else:
            flush()
            found.append(word)
            at += len(word)
    flush()
    return found


def _stands(chunk: str, start: int, end: int) -> bool:
    """Whether a cut at both ends does not split a run of letters or of digits (bus in business)."""

    def splits(at: int) -> bool:
        if not 0 < at < len(chunk):
            return False
        left, right = chunk[at - 1], chunk[at]
        if HAN_RUN.match(left) or HAN_RUN.match(right):
            return False
        return left.isalnum() and right.isalnum() and left.isdigit() == right.isdigit()

    return not splits(start) and not splits(end)
