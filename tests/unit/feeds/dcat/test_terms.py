"""Texts and addresses that every syntax can carry."""

import re
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckanext.hljshare.feeds.dcat import terms

ADDRESSES = [
    ("http://example.cn/a.csv", "http://example.cn/a.csv"),
    (
        "http://example.cn/道路 信息.csv?名=公交 线#页",
        "http://example.cn/道路%20信息.csv?名=公交%20线#页",
    ),
    ("http://例子.中国/x", "http://例子.中国/x"),
    ("http://example.cn/[a]?b[0]=1", "http://example.cn/%5Ba%5D?b%5B0%5D=1"),
    ("http://example.cn/100%/%41", "http://example.cn/100%25/%41"),
    ("http://example.cn/a#b#c", "http://example.cn/a#b%23c"),
    ('http://example.cn/"<>{}|\\^`', "http://example.cn/%22%3C%3E%7B%7D%7C%5C%5E%60"),
    ("http://[::1]:80/x", "http://[::1]:80/x"),
    ("http://[bad", ""),
    ("http://exa mple.cn/", ""),
    ("http:///x", ""),
    ("javascript:alert(1)", ""),
    ("file:///etc/passwd", ""),
    ("道路", ""),
    (None, ""),
]


@pytest.mark.parametrize(("given_address", "iri"), ADDRESSES)
def test_addresses_become_iris(given_address, iri):
    """What may stand stands, the rest is percent-encoded; what is no address is none."""
    assert terms.web_address(given_address) == iri


@given(st.one_of(st.text(), st.text().map("http://example.cn/".__add__)))
def test_any_address_is_a_valid_iri_or_none(words):
    """Never a character that RDF forbids, and encoding is done once only."""
    iri = terms.web_address(words)
    assert not re.search(r'[\x00-\x20<>"{}|\\^`]', iri)
    assert terms.web_address(iri) == iri
    if iri:
        assert urlsplit(iri).netloc


@given(st.text(alphabet=st.characters(codec=None, exclude_categories=[])))
def test_any_text_can_be_written(words):
    """In UTF-8 and in XML 1.0; what is writable stays."""
    found = terms.text(words)
    found.encode("utf-8")
    assert not re.search("[\x00-\x08\x0b-\x1f\ufffe\uffff]", found)
    assert terms.text(found) == found


def test_dates():
    """A day, a moment in UTC to the second, and nothing for what is neither."""
    assert str(terms.day("2024-03-01T10:11:12")) == "2024-03-01"
    assert str(terms.moment("2026-11-29T06:58:08.527226")) == "2026-11-29T06:58:08+00:00"
    assert str(terms.moment("2026-11-29T06:58:08Z")) == "2026-11-29T06:58:08+00:00"
    assert [terms.day("2024"), terms.day(None), terms.day("2024-13-01"), terms.moment("不明")] == [
        None
    ] * 4


@given(st.text(alphabet="0123456789-+ ()转、；ext.（）", max_size=40))
def test_telephones_come_back(number):
    """As they were written, spaces and extensions too."""
    assert terms.telephone_words(terms.telephone(number)) == number.strip()
