"""The running portal, asked as an anonymous visitor: what is not open stays in.

No browser and no database: the demo's own data, over HTTP.
"""

import json
import re
import urllib.error
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest

from .conftest import BASE, api

# What stands in the addresses and files of the demo source, and nowhere else.
ADDRESS = re.compile(r"getFileDownloadAddr|/odweb/|/catalog/file/|机密样本")
SAMPLE = 24  # datasets that are asked page by page; all are looked through in the search


def fetch(path):
    """Status and text of an address of the portal."""
    request = urllib.request.Request(BASE + path)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read().decode("utf-8", "replace")
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode("utf-8", "replace")


def told(text, datasets):
    """The first piece of a protected address in a text; the public page at the source is none."""
    text = text.encode().decode("unicode_escape", "replace") if "\\u" in text else text
    for dataset in datasets:
        if dataset.get("source_url"):
            page = dataset["source_url"]
            for written in (page, page.replace("&", "&amp;"), urllib.parse.quote(page, safe="")):
                text = text.replace(written, "")
    found = ADDRESS.search(text)
    return found and text[max(0, found.start() - 80) : found.end() + 40]


@pytest.fixture(scope="module")
def shut():
    """All public datasets that are not open."""
    found = api("package_search", fq="-hljshare_open_type:open", rows=1000)["results"]
    found = [dataset for dataset in found if dataset["type"] == "dataset"]
    assert found, "the demo has nothing that is not open"
    return found


@pytest.fixture(scope="module")
def sample(shut):
    """Some of them, from every level, those with files first."""
    ordered = sorted(shut, key=lambda d: (not d["resources"], d["open_type"], d["name"]))
    return ordered[:: max(1, len(ordered) // SAMPLE)]


def test_the_search_gives_no_address_of_what_is_not_open(shut):
    """Every file of every such dataset has the portal's own address."""
    assert told(json.dumps(shut, ensure_ascii=False), shut) is None
    for dataset in shut:
        for file in dataset["resources"]:
            shown = urllib.parse.urlsplit(file["url"]).path
            assert shown.endswith(f"/share/{file['id']}") or file["url_type"] == "upload"
            assert not file.get("filename")


def test_no_page_or_description_gives_an_address(sample):
    """Pages, files' pages, actions and every form of DCAT."""
    paths = ["/feeds/dataset.atom", "/feeds/custom.atom?hljshare_open_type=closed"]
    for dataset in sample:
        paths += [
            f"/dataset/{dataset['name']}",
            f"/dataset/{dataset['id']}.ttl",
            f"/dataset/{dataset['id']}.jsonld",
            f"/api/3/action/package_show?id={dataset['id']}",
        ]
        for file in dataset["resources"][:1]:
            paths += [
                f"/dataset/{dataset['name']}/resource/{file['id']}",
                f"/api/3/action/resource_show?id={file['id']}",
            ]
    with ThreadPoolExecutor(2) as pool:
        for path, (status, text) in zip(paths, pool.map(fetch, paths), strict=True):
            assert status < 400, path
            assert told(text, sample) is None, path


def test_every_way_to_the_bytes_is_shut(sample):
    """403 with a page that explains; never a redirect, never a row."""
    paths = []
    for dataset in sample:
        for file in dataset["resources"][:1]:
            base = f"/dataset/{dataset['name']}/resource/{file['id']}"
            paths += [f"/share/{file['id']}", f"{base}/data.csv", f"{base}/download"]
    assert paths, "no such dataset has a file"
    with ThreadPoolExecutor(2) as pool:
        for path, (status, text) in zip(paths, pool.map(fetch, paths), strict=True):
            assert status == 403, path
            assert told(text, sample) is None, path
    for file in (d["resources"][0]["id"] for d in sample[:5] if d["resources"]):
        for path in (
            f"/api/3/action/datastore_search?resource_id={file}",
            f"/api/3/action/datastore_info?id={file}",
            f"/datastore/dump/{file}",
        ):
            assert fetch(path)[0] in (403, 404), path


def test_no_trick_of_the_search_gives_an_address():
    """Fields, facets and sorting that CKAN's index would answer."""
    for query in (
        "fl=*",
        "fl=res_url,data_dict,validated_data_dict",
        'facet.field=["res_url"]',
        'facet.field=["tags"]&facet.mincount=0&rows=0',
        "q=res_url:*",
        "fq=dataset_type:harvest",
    ):
        status, text = fetch("/api/3/action/package_search?" + urllib.parse.quote(query, "=&"))
        assert status in (200, 400, 409), query
        found = json.loads(text).get("result", {"results": []})
        assert all(d.get("type", "dataset") == "dataset" for d in found["results"])
        assert "res_url" not in json.dumps(found), query
        assert 0 not in found.get("facets", {}).get("tags", {}).values()


def test_harvest_sources_are_not_shown_to_the_public():
    """Addresses and settings of the sources are for those who manage them."""
    for path in ("/api/3/action/harvest_source_list", "/harvest/harbin", "/harvest/about/harbin"):
        status, text = fetch(path)
        assert status in (302, 403, 404) or "/odweb/" not in text, path
