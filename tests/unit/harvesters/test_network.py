"""What a mapping says of a source's network holds for that source alone."""

import time

import pytest

from ckanext.hljshare.ingest.fetch import Fetcher, SourceError, parse_networks
from harvesters import mapping
from harvesters.mapping import MappingError
from harvesters.network import fetcher_for, secret_for
from tests.sources.server import certificate, serve


def fetcher(site):
    return Fetcher(allowed=parse_networks(f"127.0.0.1:{site.port}"), first_wait=0.01)


def pinned(print_):
    return mapping.load_text("x", f"title: 甲\nnetwork: {{sha256: ['{print_}']}}\n")


def colons(words):
    return ":".join(words[i : i + 2] for i in range(0, len(words), 2)).upper()


def test_a_fingerprint_in_either_writing_opens_the_source(tmp_path):
    made = certificate(tmp_path)
    with serve(lambda request: [1], tls=made) as site:
        for print_ in (made.sha256, colons(made.sha256)):
            mine = fetcher_for(pinned(print_), site.url + "/api", fetcher(site))
            assert mine.get(site.url) == b"[1]"


def test_it_opens_no_other_host(tmp_path):
    made = certificate(tmp_path)
    with serve(lambda request: [1], tls=made) as site:
        mine = fetcher_for(pinned(made.sha256), "https://data.example.gov.cn/", fetcher(site))
        with pytest.raises(SourceError, match="certificate-refused: self-signed"):
            mine.get(site.url)


def test_the_rate_is_the_mappings():
    words = "title: 甲\nnetwork: {rate: 20, read_timeout: 3, max_seconds: 9}\n"
    with serve(lambda request: []) as site:
        mine = fetcher_for(mapping.load_text("x", words), site.url, fetcher(site))
        assert (mine.read_timeout, mine.max_seconds) == (3, 9)
        begun = time.monotonic()
        for _ in range(4):
            mine.get(site.url)
        assert time.monotonic() - begun >= 3 / 20


def test_a_mapping_that_says_nothing_changes_nothing():
    mine = Fetcher()
    assert fetcher_for(mapping.load(), "http://x/", mine) is mine


@pytest.mark.parametrize("url", ["http://data.city.gov.cn:8001/api", "https://DATA.city.gov.cn/"])
def test_a_secret_is_for_its_host(url):
    keys = {"K": "s3cret", "K.host": "data.city.gov.cn"}.get
    assert secret_for("K", url, keys) == "s3cret"
    with pytest.raises(MappingError, match="another host"):
        secret_for("K", "http://data.city.gov.cn.evil.example/", keys)
