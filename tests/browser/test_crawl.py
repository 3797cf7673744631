"""The running portal, crawled: whatever can be reached by following links holds nothing of what is
not open, is no broken link, and is no fault.

No browser and no database: HTTP with the standard library, as anonymous, as a registered applicant
and as an editor of another agency. The crawl is bounded: every dataset that is not open, and of all
other pages some of each shape.
"""

from __future__ import annotations

import html
import http.cookiejar
import os
import re
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter, deque
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from .conftest import BASE, api

ROOT = Path(os.environ.get("PORTAL_ROOT", Path(__file__).resolve().parents[2]))
SECONDS = 30  # of following links, for each person; the fixed pages come before
OF_A_SHAPE = 5
WORKERS = 2
START = [
    "/",
    "/dataset/",
    "/organization/",
    "/group/",
    "/city",
    "/catalog",
    "/my",
    "/catalog.ttl",
    "/catalog.jsonld",
    "/feeds/dataset.atom",
    "/robots.txt",
    "/api/3",
    "/api/3/action/package_list",
    "/api/3/action/package_search?rows=1000",
    "/api/3/action/package_search?fq=-hljshare_open_type:open&rows=1000",
    "/api/3/action/current_package_list_with_resources?limit=50",
    "/api/3/action/organization_list?all_fields=true",
    "/api/3/action/tag_list",
    "/api/3/action/hljshare_organization_tree",
]
# What stands in the addresses and files of the demo source, and nowhere else.
PLANTED = re.compile(r"getFileDownloadAddr|/odweb/|/catalog/file/|机密样本")
# The page about a dataset at its source is public, whatever its level.
PUBLIC = re.compile(r"https?://[^\s\"'<>]*?/catalogDetail\.htm\?cata_id=[0-9a-f]+")
LINKS = re.compile(r"""(?:href|src|action)=["']([^"'\s]+)["']""")
ADDRESSES = re.compile(re.escape(BASE) + r"[^\s\"'<>\\{}|^`]*")
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")
# Not followed: they end the session, change the language, hold the same for every page, or are
# examples in a text.
SKIPPED = re.compile(
    r"^/(user/_logout|en/|zh_Hans_CN/|no/|webassets/|base/|hljshare/|api/i18n)|.*=ID\b"
)


class Visitor:
    """Somebody who follows links."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.opener = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        )
        if name:
            self._sign_in()

    def _sign_in(self) -> None:
        said = subprocess.run(
            [ROOT / "portal", "demo"], capture_output=True, text=True, check=True
        ).stdout
        password = next(
            line.split()[1] for line in said.splitlines() if line.startswith(f"{self.name} ")
        )
        _, page, _ = self.fetch("/user/login")
        token = re.search(r'name="_csrf_token" value="([^"]+)"', page)
        assert token, "the login form has no token"
        form = {"login": self.name, "password": password, "_csrf_token": token[1]}
        data = urllib.parse.urlencode(form).encode()
        with self.opener.open(f"{BASE}/user/login", data, timeout=60) as answer:
            assert "/user/_logout" in answer.read().decode(), "signing in failed"

    def fetch(self, path: str) -> tuple[int, str, str]:
        """Status, text and type of an address; where it is sent to is part of the text."""
        for _ in range(3):
            try:
                return self._fetch(path)
            except (ConnectionError, urllib.error.URLError):
                time.sleep(3)  # the server is being restarted, as one under work often is
        return self._fetch(path)

    def _fetch(self, path: str) -> tuple[int, str, str]:
        try:
            with self.opener.open(BASE + path, timeout=60) as answer:
                text = answer.read(5_000_000).decode("utf-8", "replace")
                return answer.status, f"{answer.url}\n{text}", answer.headers.get_content_type()
        except urllib.error.HTTPError as error:
            text = error.read().decode("utf-8", "replace")
            return error.code, f"{error.headers}\n{text}", error.headers.get_content_type()


def plain(text: str) -> str:
    """The text without its escapes."""
    if "\\u" in text or "\\/" in text:
        text = re.sub(r"\\u([0-9a-fA-F]{4})", lambda m: chr(int(m[1], 16)), text)
        text = text.replace("\\/", "/")
    return html.unescape(text)


def told(text: str) -> str | None:
    """The surroundings of the first planted word in a text, or None."""
    text = PUBLIC.sub("", plain(text))
    text = PUBLIC.sub("", urllib.parse.unquote(text))
    found = PLANTED.search(text)
    return text[max(0, found.start() - 90) : found.end() + 60] if found else None


def shape(path: str) -> str:
    """An address without its names and values: what differs only in them is the same page."""
    split = urllib.parse.urlsplit(path)
    keys = sorted({key for key, _ in urllib.parse.parse_qsl(split.query)})
    parts = split.path.strip("/").split("/")
    if parts[0] in ("dataset", "organization", "group", "share", "harvest", "user") and parts[1:]:
        suffix = re.search(r"\.\w+$", parts[1])
        parts[1] = "*" + (suffix[0] if suffix else "")
    return UUID.sub("*", "/".join(parts)) + "?" + "&".join(keys)


def links(path: str, text: str, kind: str) -> list[str]:
    """Addresses of this portal in a page, a feed or an answer of the API."""
    found = ADDRESSES.findall(plain(text))
    if kind == "text/html":
        found += [html.unescape(link) for link in LINKS.findall(text)]
    local = []
    for link in found:
        whole = urllib.parse.urljoin(BASE + path, link.rstrip(".,;)")).split("#")[0]
        if not whole.startswith(BASE + "/"):
            continue
        split = urllib.parse.urlsplit(whole)
        query = f"?{split.query}" if split.query else ""
        address = urllib.parse.quote(split.path, safe="/%:@~,+!*'()$&=") + query
        local.append(urllib.parse.quote(address, safe="/%:@~,+!*'()$&=?;[]"))
    return local


def crawl(visitor: Visitor, first: list[str]) -> tuple[dict[str, tuple[int, str]], list[str]]:
    """Ask for the first addresses, then follow links until the time is over or nothing is left:
    path → (status, where the link stood); and what was told."""
    queue = deque((path, "start") for path in first)
    known, shapes = set(first), Counter()
    seen: dict[str, tuple[int, str]] = {}
    leaks: list[str] = []
    end = time.monotonic() + SECONDS
    with ThreadPoolExecutor(WORKERS) as pool:
        while queue and (len(seen) < len(first) or time.monotonic() < end):
            batch = [queue.popleft() for _ in range(min(8, len(queue)))]
            answers = pool.map(visitor.fetch, [path for path, _ in batch])
            for (path, origin), (status, text, kind) in zip(batch, answers, strict=True):
                seen[path] = (status, origin)
                if found := told(text):
                    leaks.append(f"{path} (from {origin}): …{found}…")
                for link in links(path, text, kind):
                    if link in known or SKIPPED.match(link):
                        continue
                    known.add(link)
                    shapes[shape(link)] += 1
                    if shapes[shape(link)] <= OF_A_SHAPE:
                        queue.append((link, path))
    return seen, leaks


@pytest.fixture(scope="module")
def shut() -> list[str]:
    """The pages of all datasets that are not open, and what hangs on the first file of some."""
    found = api("package_search", fq="-hljshare_open_type:open", rows=1000)["results"]
    assert found, "the demo has nothing that is not open"
    paths = []
    for number, dataset in enumerate(found):
        paths.append(f"/dataset/{dataset['name']}")
        if number % 6 or not dataset["resources"]:
            continue
        file = dataset["resources"][0]["id"]
        base = f"/dataset/{dataset['name']}/resource/{file}"
        paths += [base, f"{base}/data.csv", f"/share/{file}", f"/datastore/dump/{file}"]
        paths += [f"/dataset/{dataset['id']}.jsonld"]
        paths += [f"/api/3/action/package_show?id={dataset['id']}"]
    return paths


@pytest.mark.parametrize(
    "text",
    [
        "http://127.0.0.1:5099/harbin/odweb/catalog/getFileDownloadAddr?id=1",
        "http:\\/\\/127.0.0.1:5099\\/harbin\\/odweb\\/file",
        "<a href='/redirect?to=http%3A%2F%2Fx%2Fodweb%2Ffile'>",
        '{"note": "\\u673a\\u5bc6\\u6837\\u672c"}',
    ],
)
def test_a_protected_address_is_noticed_in_every_writing(text):
    """Plain, in JSON, quoted in a link; so that the crawl can fail."""
    assert told(text)
    assert not told("http://x/odweb/catalog/catalogDetail.htm?cata_id=0b6b 机密")


@pytest.mark.parametrize(
    "name", ["", "applicant1", "consumer"], ids=["anonymous", "applicant", "agency"]
)
def test_nothing_reachable_tells_what_is_not_open(shut, name):
    """And nothing is broken: no fault, and for the public no link to a page that is not there."""
    visitor = Visitor(name)
    guessed = [
        path for path in shut if "/resource/" in path or path.startswith(("/share", "/data"))
    ]
    seen, leaks = crawl(visitor, START + shut)
    assert len(seen) > len(shut), "the crawl did not get beyond its beginning"
    assert not leaks, "\n".join(leaks[:20])
    faults = [
        f"{status} {path} (from {origin})"
        for path, (status, origin) in seen.items()
        if status >= 500
    ]
    assert not faults, "\n".join(faults)
    if name:
        return
    gone = [
        f"{path} (from {origin})"
        for path, (status, origin) in seen.items()
        if status == 404 and path not in guessed
    ]
    assert not gone, "\n".join(gone)
