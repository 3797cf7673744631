"""Feeds of changes as feed readers read them."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import feedparser
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lxml import etree

from ckanext.hljshare.feeds.dcat.terms import Where
from ckanext.hljshare.feeds.web import atom
from ckanext.hljshare.feeds.web.store import Change
from tests.unit.feeds.dcat.strategies import NASTY

SITE = "http://data.example.cn"
WHERE = Where(SITE, SITE)
MOMENT = datetime(2026, 3, 1, 8, 30, 5, 123456, timezone.utc)
FEED = atom.Feed(
    id=f"{SITE}/feeds/catalog.atom",
    title="新增和更新的数据集",
    publisher="平台",
    address=f"{SITE}/en/feeds/catalog.atom",
    page=f"{SITE}/en/dataset/",
    pages={"first": f"{SITE}/first", "next": f"{SITE}/next"},
)
BUS = Change(
    dataset_id="0a1b",
    position=7,
    changed=MOMENT,
    live=True,
    name="bus",
    title="公交线路",
    notes="起点、终点",
    created=MOMENT - timedelta(days=3),
    modified=MOMENT - timedelta(days=1),
    theme="traffic",
    level="on_request",
    agency="交通局",
)


def read(*changes):
    found = feedparser.parse(atom.document(FEED, changes, WHERE, f"{SITE}/en"))
    assert not found.bozo, found.bozo_exception
    assert found.version == "atom10"
    return found


def test_an_entry_says_what_when_who_and_where():
    (entry,) = read(BUS).entries
    assert (entry.id, entry.link) == (f"{SITE}/dataset/0a1b", f"{SITE}/en/dataset/bus")
    assert (entry.title, entry.summary, entry.author) == ("公交线路", "起点、终点", "交通局")
    assert entry.updated == "2026-02-28T08:30:05.123456Z"
    assert entry.published == "2026-02-26T08:30:05.123456Z"
    tags = {(tag.scheme.rsplit("/", 1)[1], tag.term) for tag in entry.tags}
    assert ("open_type", "on_request") in tags


def test_the_feed_names_its_pages():
    feed = read(BUS).feed
    links = {link.rel: link.href for link in feed.links}
    assert links == {
        "self": FEED.address, "alternate": FEED.page, "first": f"{SITE}/first",
        "next": f"{SITE}/next",
    }  # fmt: skip
    assert (feed.id, feed.updated) == (FEED.id, "2026-03-01T08:30:05.123456Z")


def test_the_title_is_in_the_language_of_its_reader_and_all_else_chinese():
    english = replace(FEED, title="New and changed datasets", language="en")
    root = etree.fromstring(atom.document(english, [BUS], WHERE, SITE))
    lang = "{http://www.w3.org/XML/1998/namespace}lang"
    assert root.get(lang) == "zh"
    assert root.find("{*}title").get(lang) == "en"
    assert root.find("{*}entry/{*}title").get(lang) is None


@settings(max_examples=40)
@given(st.one_of(st.sampled_from(NASTY), st.text()))
@example("交通\x01局\x0b")
def test_whatever_an_agency_is_called_its_feed_is_valid(name):
    feed = replace(FEED, title=f"新增：{name}", publisher=name)
    found = feedparser.parse(atom.document(feed, [replace(BUS, agency=name)], WHERE, SITE))
    assert not found.bozo
    assert found.feed.title.startswith("新增：")


def test_an_empty_feed_is_valid():
    assert read().feed.updated.startswith("1970-01-01")


def test_what_is_gone_is_told_with_its_id_and_no_more():
    gone = Change("0a1b", 7, MOMENT, live=False)
    text = atom.document(FEED, [gone], WHERE, SITE)
    (found,) = etree.fromstring(text).iter("{http://purl.org/atompub/tombstones/1.0}deleted-entry")
    assert dict(found.attrib) == {
        "ref": f"{SITE}/dataset/0a1b", "when": "2026-03-01T08:30:05.123456Z",
    }  # fmt: skip
    assert len(found) == 0
    assert read(gone).entries == []


@settings(max_examples=40)
@given(st.one_of(st.sampled_from(NASTY), st.text()), st.one_of(st.sampled_from(NASTY), st.text()))
@example("\x00", "\ud800")
def test_whatever_people_have_written_is_valid(title, notes):
    """Control characters, halves of pairs, markup; an entry always has a title."""
    (entry,) = read(Change("0a1b", 7, MOMENT, True, "bus", title, notes)).entries
    assert entry.title


@given(
    st.timedeltas(timedelta(0), timedelta(days=365 * 3000)),
    st.integers(0, 10**18 - 1),
)
def test_a_place_is_read_as_it_was_written(since, position):
    changed = datetime(1970, 1, 1, tzinfo=timezone.utc) + since
    assert atom.place(atom.cursor(Change("x", position, changed, True))) == (changed, position)


@pytest.mark.parametrize(
    "words", ["x", "1", "-1-1", "1-", "1-1 ", "9" * 30 + "-1", "9" * 17 + "-" + "9" * 19, "٣-٣"]
)
def test_other_words_are_no_place(words):
    with pytest.raises(ValueError):
        atom.place(words)
    assert atom.place("") is None
