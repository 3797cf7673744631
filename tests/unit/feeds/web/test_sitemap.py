"""Sitemaps as crawlers read them."""

from datetime import datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from ckanext.hljshare.feeds.web import sitemap

SPACE = {"s": "http://www.sitemaps.org/schemas/sitemap/0.9"}
MOMENT = datetime(2026, 3, 1, 8, 30, 5, 123456, timezone(timedelta(hours=8)))


def read(text, path):
    return etree.fromstring(text.encode()).xpath(path, namespaces=SPACE)


def test_an_address_is_told_with_when_its_page_was_changed():
    """In UTC, to the second; nothing where it is not known."""
    text = sitemap.urls([("http://a.cn/1", MOMENT), ("http://a.cn/2", None)])
    assert read(text, "/s:urlset/s:url/s:loc/text()") == ["http://a.cn/1", "http://a.cn/2"]
    assert read(text, "/s:urlset/s:url/s:lastmod/text()") == ["2026-03-01T00:30:05Z"]


def test_an_index_names_sitemaps():
    text = sitemap.index([("http://a.cn/sitemap-1.xml", MOMENT)])
    assert read(text, "/s:sitemapindex/s:sitemap/s:loc/text()") == ["http://a.cn/sitemap-1.xml"]


def test_nothing_is_a_document_too():
    assert read(sitemap.urls([]), "/s:urlset/s:url") == []


@given(st.lists(st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"]))))
def test_any_address_arrives_as_it_is(words):
    addresses = [f"http://a.cn/?q={word}" for word in words]
    text = sitemap.urls((address, None) for address in addresses)
    assert read(text, "//s:loc/text()") == addresses
