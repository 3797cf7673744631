"""Search quality over the demo catalog, by judged questions, beside stock CKAN."""

from __future__ import annotations

from typing import Any

import pytest

from ckanext.hljshare.catalog import search_query
from ckanext.hljshare.catalog.search_text import fold, tokens
from tests.integration.search import corpus, relevance


@pytest.fixture(scope="module")
def judged(demo: list[Any]) -> list[relevance.Judgement]:
    """Return the questions with their grades over the demo catalog."""
    known = [(corpus.package(d)["id"], d.place, d.title) for d in demo]
    return relevance.read(known)


@pytest.fixture(scope="module")
def scores(judged, ours, stock) -> list[dict[str, Any]]:
    """Return nDCG@10 of both sides for each question that the catalog can answer."""
    return [
        {
            "q": judgement.q,
            "kind": judgement.kind,
            "ours": relevance.ndcg(judgement, corpus.ranked(ours, corpus.ours(judgement.q))),
            "stock": relevance.ndcg(judgement, corpus.ranked(stock, corpus.stock(judgement.q))),
        }
        for judgement in judged
        if not judgement.none
    ]


def test_there_are_enough_questions_and_each_has_an_answer_and_a_reason(judged):
    """At least 80 questions of ten kinds; one that nothing answers says so."""
    assert len(judged) >= 80
    assert len({judgement.kind for judgement in judged}) >= 10
    assert not [j.q for j in judged if not j.none and 3 not in j.grades.values()]
    assert not [j.q for j in judged if not j.why]


def test_the_ranking_is_good_and_better_than_stock(scores):
    """nDCG@10 of the portal is at least 0.90 and far above CKAN's own schema and parameters."""
    mine = relevance.mean([row["ours"] for row in scores])
    theirs = relevance.mean([row["stock"] for row in scores])
    print(relevance.table(scores))
    assert mine >= 0.90, sorted((round(row["ours"], 2), row["q"]) for row in scores)[:15]
    assert mine > theirs


def test_no_kind_of_question_is_neglected(scores):
    """Each kind of question is ranked well, not only their average."""
    for kind in {row["kind"] for row in scores}:
        assert relevance.mean([row["ours"] for row in scores if row["kind"] == kind]) >= 0.8, kind


def test_every_question_with_an_exact_answer_finds_something(judged, ours):
    """A question that the catalog can answer never comes back empty."""
    empty = [j.q for j in judged if not j.none and not corpus.ranked(ours, corpus.ours(j.q))]
    assert empty == []


def test_words_that_stand_in_a_title_find_it(demo, ours):
    """For each title, its own pieces between punctuation, asked together, find it."""
    for dataset in demo:
        q = " ".join(chunk.text for chunk in search_query.chunks(dataset.title))
        identifier = corpus.package(dataset)["id"]
        found = corpus.ranked(ours, corpus.ours(q, fq_extra=f'id:"{identifier}"'))
        assert found == [identifier], dataset.title


def test_a_whole_title_comes_first(demo, ours):
    """Typed as it stands, a title is the first result."""
    by_title = {}
    for dataset in demo:
        by_title.setdefault(fold(dataset.title), set()).add(corpus.package(dataset)["id"])
    for dataset in demo[::7]:
        first = corpus.ranked(ours, corpus.ours(dataset.title, rows=1))
        assert first, dataset.title
        assert first[0] in by_title[fold(dataset.title)], dataset.title


@pytest.mark.parametrize(
    ("typed", "simple"),
    [
        ("空氣質量", "空气质量"),
        ("哈爾濱 公車", "哈尔滨 公车"),
        ("ＰＭ２．５", "PM2.5"),
        ("２０２５年", "2025年"),
        ("gōngjiāo", "gongjiao"),
        ("GDP", "gdp"),
    ],
)
def test_forms_of_writing_do_not_matter(typed, simple, ours):
    """Traditional, full-width, toned and upper-case forms find what the plain form finds."""
    assert corpus.ranked(ours, corpus.ours(typed)) == corpus.ranked(ours, corpus.ours(simple)) != []


def test_the_name_of_the_province_does_not_drown_the_subject(ours, demo):
    """With the province before the subject, the first results are about the subject."""
    titles = {corpus.package(d)["id"]: d.title for d in demo}
    found = [titles[i] for i in corpus.ranked(ours, corpus.ours("黑龙江省 空气质量"))]
    assert "空气质量" in found[0]
    assert sum("空气质量" in title for title in found) >= 8


def test_codes_find_the_dataset(demo, ours):
    """A whole resource code, with its slash, finds the one dataset; a region code finds many."""
    whole = corpus.package(demo[3])
    assert corpus.ranked(ours, corpus.ours(whole["resource_code"]))[0] == whole["id"]
    assert corpus.ranked(ours, corpus.ours("230600"))


def test_help_for_an_empty_result(ours, demo):
    """A misheard word finds the titles of the same sound; a word too many is named."""
    titles = {corpus.package(d)["id"]: d.title for d in demo}
    sound = next(t for t in search_query.relax("公教线路") if t.kind == "sound")
    found = corpus.ranked(ours, corpus.plain(sound.query))
    assert found
    assert all("公交线路" in titles[identifier] for identifier in found)
    fewer = [t.q for t in search_query.relax("公交线路 火星") if t.kind == "fewer"]
    assert "公交线路" in fewer


def test_typing_letters_suggests_titles(ours, demo):
    """The beginning of pinyin is enough, in the middle of a syllable too."""
    titles = {corpus.package(d)["id"]: d.title for d in demo}
    found = corpus.ranked(ours, corpus.plain(search_query.prefix("tingch")))
    assert found
    assert all("停车" in titles[identifier] for identifier in found)


def test_what_is_typed_never_becomes_syntax(ours):
    """Solr's operators, local parameters and field names in a question neither fail nor leak."""
    for q in (
        '"', "(", "公交)", "a:b", "res_url:*", "{!func}1", "_query_:x", "公交 AND (", "*", "?",
        "公交*", "\\", "公交~2^9", "[1 TO *]", "-公交", "+公交", "!公交", "/公.*/", "&&", "||",
    ):  # fmt: skip
        answer = ours.search(corpus.ours(q))
        assert "response" in answer, q
    assert ours.search(corpus.ours("res_url:*"))["response"]["numFound"] == 0


def test_addresses_are_not_in_the_index(demo, ours):
    """No part of a resource's address finds its dataset, not even in Solr's own syntax."""
    address = demo[0].files[0].file_id
    for q in (address, f"text:{address}", f"res_url:*{address}*", f"*{address}*"):
        found = ours.search(corpus.plain(q)).get("response", {"numFound": 0})
        assert found["numFound"] == 0, q


def test_every_single_character_of_a_title_finds_it(demo, ours):
    """Single characters are not lost."""
    dataset = demo[0]
    identifier = corpus.package(dataset)["id"]
    for character in dict.fromkeys(tokens(fold(dataset.title))):
        found = corpus.ranked(ours, corpus.ours(character, fq_extra=f'id:"{identifier}"'))
        assert found == [identifier], character
