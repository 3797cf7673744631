"""A typed question as a Solr query.

Every word must be found, in any field that is searched; the same word written otherwise (synonym,
pinyin, initials) counts for less; a place counts little, because it stands in every title of the
place; a title that is what was typed comes first. What people type is always quoted: it cannot
become query syntax. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from ckanext.hljshare.catalog.search_text import (
    GENERIC,
    HAN_RUN,
    PARTICLES,
    Words,
    fold,
    key,
    segments,
    syllables,
    tokens,
    untoned,
    words,
)

MAX_QUERY = 200  # characters read of a question
MAX_CHUNKS = 12  # words read of a question
MAX_SYNONYMS = 8

# Weights. Where a word stands counts with a fixed amount, not by rarity: every word must be found
# anyway, and a rare synonym (公共汽电车) must not beat the word that was typed. Rarity and length
# only decide between equals (TITLE_FINE, TEXT_FINE).
TITLE, TITLE_FINE = 8.0, 1.6
TEXT, TEXT_FINE = 1.0, 0.1
SYNONYM = 0.6
SPLIT = 0.8  # the parts of a run, against a word
RUN = 0.3  # what a run found as typed adds to its parts
TITLE_WORDS, WORDS = 4.0, 0.4  # all words of a run, in the title or anywhere
CODE = 60.0
PINYIN = 6.0
PINYIN_MORE = 1.0
INITIALS = 3.0
PLACE = 6.0
PLACE_ELSEWHERE = 0.5
EXACT_TITLE = 60.0
WHOLE_IN_TITLE = 6.0
ALL_IN_TITLE = 6.0
FRESH = ((1, 0.6), (3, 0.3))  # years since the last update, and what that adds

NOTHING = "(*:* -*:*)"
ANYTHING = "*:*^=0"

_QUOTED = re.compile(r'["“”]([^"“”]+)["“”]')
_BREAK = re.compile(r"[^\w./\-+#&%·℃'\"]+")
_EDGE = "./-+#&%·'\"_"
_CODE = re.compile(r"[0-9a-z]{2,}[/\-][0-9a-z/\-]+|\d{6,}|[0-9a-z]{18}")
_LETTERS = re.compile(r"[a-z]{2,40}")


class SolrQuery(str):
    """A query built here. Its type is the permission to pass: no request can carry it."""


@dataclass(frozen=True)
class Chunk:
    """A piece of a question between blanks; ``exact`` where the person put it in quotes."""

    text: str
    exact: bool = False


def chunks(q: str, known: Words | None = None) -> list[Chunk]:
    """The pieces of a question, folded, without punctuation, at most ``MAX_CHUNKS``.

    A known phrase of several Latin words (air quality) is one piece.
    """
    known = known or words()
    text = untoned(fold(q))[:MAX_QUERY]
    found: list[Chunk] = []

    def split(part: str) -> None:
        phrase = next((p for p in known.phrases if f" {p} " in f" {part} "), None)
        if phrase is not None:
            before, _, after = f" {part} ".partition(f" {phrase} ")
            split(before)
            found.append(Chunk(phrase))
            split(after)
            return
        for piece in _BREAK.split(part):
            piece = piece.strip(_EDGE)
            if _LETTERS.fullmatch(piece.replace("'", "")):
                piece = piece.replace("'", "")  # xi'an, da'qing
            if tokens(piece):
                found.append(Chunk(piece))

    at = 0
    for quoted in _QUOTED.finditer(text):
        split(text[at : quoted.start()])
        if tokens(quoted[1]):
            found.append(Chunk(quoted[1], exact=True))
        at = quoted.end()
    split(text[at:])
    return found[:MAX_CHUNKS]


def quoted(text: str) -> str:
    """A phrase of Solr's syntax that means the text and nothing else."""
    return '"' + " ".join(tokens(text)) + '"' if tokens(text) else '""'


def _any(*clauses: str) -> str:
    kept = [clause for clause in clauses if clause]
    return f"({' OR '.join(kept)})" if kept else NOTHING


def _all(clauses: Sequence[str], optional: Sequence[str] = ()) -> str:
    parts = [f"+{clause}" for clause in clauses]
    if optional:
        parts.append("+" + _any(ANYTHING, *optional))
    return f"({' '.join(parts)})"


def _weight(value: float) -> str:
    return f"{value:.4g}"


def _text(word: str, weight: float = 1.0) -> list[str]:
    phrase = quoted(word)
    return [
        f"hlj_title:{phrase}^={_weight(TITLE * weight)}",
        f"hlj_title:{phrase}^{_weight(TITLE_FINE * weight)}",
        f"text:{phrase}^={_weight(TEXT * weight)}",
        f"text:{phrase}^{_weight(TEXT_FINE * weight)}",
    ]


def _synonyms(word: str, others: Sequence[str], weight: float) -> list[str]:
    """The other words for a word: one of them or several count the same, and nothing in a title
    that has the word itself."""
    if not others:
        return []
    phrases = [quoted(other) for other in others[:MAX_SYNONYMS]]
    title = _any(*(f"hlj_title:{phrase}" for phrase in phrases))
    text = _any(*(f"text:{phrase}" for phrase in phrases))
    return [
        f"(+{title} -hlj_title:{quoted(word)})^={_weight(TITLE * SYNONYM * weight)}",
        f"{text}^={_weight(TEXT * SYNONYM * weight)}",
    ]


def _place(short: str) -> str:
    phrase = quoted(short)
    return _any(
        f"hlj_place:{phrase}^={_weight(PLACE_ELSEWHERE)}",
        f"hlj_title:{phrase}^={_weight(PLACE)}",
        f"text:{phrase}^={_weight(PLACE_ELSEWHERE)}",
    )


def _letters(word: str) -> list[str]:
    """A run of a–z as pinyin, whole syllables or first letters."""
    found = [f"hlj_pinyin:{word}^={PINYIN}", f"hlj_pinyin_more:{word}^={PINYIN_MORE}"]
    found.append(f"hlj_initials_words:{word}^={INITIALS}")
    if len(word) <= 10:
        found.append(f"hlj_initials:{word}^={_weight(INITIALS if len(word) > 2 else INITIALS / 4)}")
    return found


def _term(word: str, known: Words, weight: float = 1.0) -> str:
    """One word: itself, what it also means, and how it may be typed."""
    if word in known.places:
        return _place(known.places[word])
    clauses = _text(word, weight)
    clauses += _synonyms(word, known.synonyms.get(word, ()), weight)
    if _LETTERS.fullmatch(word):
        clauses += _letters(word)
    elif len(word) > 2 and HAN_RUN.fullmatch(word) and word not in known.synonyms:
        clauses.append(f"(hlj_title_words:{word})^={_weight(TITLE_WORDS * weight)}")
        clauses.append(f"(hlj_words:{word})^={_weight(WORDS * weight)}")
    if _CODE.fullmatch(word):
        clauses.append(f'hlj_code:"{word}"^={CODE}')
    return _any(*clauses)


def _parts(chunk: str, known: Words) -> tuple[list[str], list[str]]:
    """The parts of a chunk that must be found, and those that need not."""
    cut = segments(chunk, known)
    needed = [
        part for part in cut if tokens(part) and part not in GENERIC and part not in PARTICLES
    ]
    rest = [part for part in cut if part in GENERIC]
    return (needed, rest) if needed else ([part for part in cut if tokens(part)], [])


def _clause(chunk: Chunk, known: Words) -> str:
    """A piece of the question: as typed, or by its parts."""
    if chunk.exact:
        return _any(*_text(chunk.text))
    needed, rest = _parts(chunk.text, known)
    if needed == [chunk.text]:
        return _term(chunk.text, known)
    split = _all(
        [_term(part, known, SPLIT) for part in needed],
        [clause for part in rest for clause in _text(part, SPLIT / 4)],
    )
    code = f'hlj_code:"{chunk.text}"^={CODE}' if _CODE.fullmatch(chunk.text) else ""
    return _any(*_text(chunk.text, RUN), split, code)


def _wanted(found: list[Chunk]) -> tuple[list[Chunk], list[Chunk]]:
    """The pieces that must be found, and the generic ones that need not."""
    needed = [c for c in found if c.exact or c.text not in GENERIC]
    return (needed, [c for c in found if c not in needed]) if needed else (found, [])


def _title_has(word: str, known: Words) -> str:
    meanings = (word, *known.synonyms.get(word, ())[:MAX_SYNONYMS])
    return _any(*(f"hlj_title:{quoted(meaning)}" for meaning in meanings))


def _bonuses(found: list[Chunk], known: Words) -> list[str]:
    """What lifts a record among those that match."""
    whole = "".join("".join(tokens(chunk.text)) for chunk in found)
    spaced = " ".join(chunk.text for chunk in found)
    bonuses = [
        f'hlj_title_exact:"{whole}"^={EXACT_TITLE}',
        f"hlj_title:{quoted(spaced)}^={WHOLE_IN_TITLE}",
    ]
    subject: list[str] = []
    for chunk in _wanted(found)[0]:
        needed = [chunk.text] if chunk.exact else _parts(chunk.text, known)[0]
        subject += [part for part in needed if part not in known.places]
    if len(subject) > 1:
        in_title = [_title_has(part, known) for part in subject]
        bonuses.append(f"{_all(in_title)}^={ALL_IN_TITLE}")
    bonuses += [f"hlj_updated:[NOW/DAY-{years}YEAR TO *]^={worth}" for years, worth in FRESH]
    return bonuses


def build(q: str, known: Words | None = None) -> SolrQuery:
    """The query for a typed question. A question without a word in it finds everything if it is
    blank or ``*``, and nothing if it is only punctuation."""
    known = known or words()
    found = chunks(q, known)
    if not found:
        return SolrQuery("*:*" if q.strip() in ("", "*", "*:*", '""', "''") else NOTHING)
    needed, rest = _wanted(found)
    core = _all([_clause(chunk, known) for chunk in needed])
    letters = [c.text for c in needed]
    if len(letters) > 1 and all(_LETTERS.fullmatch(text) or len(text) == 1 for text in letters):
        joined = "".join(letters)  # ha er bin
        if _LETTERS.fullmatch(joined):
            core = _any(core, f"hlj_pinyin:{joined}^={PINYIN * 2}")
    optional = [clause for chunk in rest for clause in _text(chunk.text, SPLIT / 4)]
    return SolrQuery(_all([core], [*optional, *_bonuses(found, known)]))


def words_of(q: str) -> list[str]:
    """The words of a question that a person would recognise, for showing and highlighting."""
    known = words()
    found: list[str] = []
    for chunk in chunks(q, known):
        parts = [chunk.text] if chunk.exact else [chunk.text, *segments(chunk.text, known)]
        found += [part for part in parts if part not in found and tokens(part)]
    return found


def prefix(q: str) -> SolrQuery:
    """The query for a question still being typed: its last word may be unfinished.

    Chinese needs nothing for that (any part of a title is found); letters may be the beginning of
    pinyin, of initials or of a Latin word.
    """
    known = words()
    found = chunks(q, known)
    if not found:
        return SolrQuery(NOTHING)
    *before, last = found
    clauses = [_clause(chunk, known) for chunk in before]
    clause = _clause(last, known)
    if _LETTERS.fullmatch(last.text) or re.fullmatch(r"[a-z]", last.text):
        more = [f"hlj_pinyin:{last.text}*^={PINYIN}", f"hlj_title:{last.text}*^={TITLE}"]
        if 2 < len(last.text) <= 10:
            more.append(f"hlj_initials:{last.text}*^={INITIALS}")
        clause = _any(clause, *more)
    start = f"hlj_title_exact:{key(q)}*^={EXACT_TITLE}" if key(q) else ""
    return SolrQuery(_all([*clauses, clause], [start] if start else []))


@dataclass(frozen=True)
class Relaxed:
    """A gentler form of a question that found nothing: ``fewer`` (one word less: ``q`` is the
    question that remains), ``sound`` (same pinyin) or ``near`` (titles that share characters)."""

    kind: str
    q: str
    query: SolrQuery


def relax(q: str) -> list[Relaxed]:
    """What to try when nothing was found, the closest first."""
    known = words()
    found = chunks(q, known)
    if not found:
        return []
    tries: list[Relaxed] = []
    spoken = "".join(syllables(" ".join(chunk.text for chunk in found)))
    if _LETTERS.fullmatch(spoken):
        tries.append(Relaxed("sound", q, SolrQuery(f"hlj_pinyin:{spoken}")))
    parts = [part for chunk in found for part in _parts(chunk.text, known)[0]]
    if len(found) == 1 and len(parts) > 1:
        found = [Chunk(part) for part in parts]
    if len(found) > 1:
        for left_out in range(len(found) - 1, -1, -1):
            kept = found[:left_out] + found[left_out + 1 :]
            rest = " ".join(f'"{c.text}"' if c.exact else c.text for c in kept)
            tries.append(Relaxed("fewer", rest, build(rest, known)))
    pairs = _pairs(parts or [chunk.text for chunk in found])
    if pairs:
        near = _any(*(f"hlj_title:{quoted(pair)}^{_weight(TITLE)}" for pair in pairs))
        tries.append(Relaxed("near", q, SolrQuery(near)))
    return tries


def _pairs(parts: list[str]) -> list[str]:
    """Neighbouring tokens of each part, the single token where there is but one."""
    found: list[str] = []
    for part in parts:
        cut = tokens(part)
        pairs = [left + right for left, right in pairwise(cut)] or cut
        found += [pair for pair in pairs if pair not in found]
    return found[:40]
