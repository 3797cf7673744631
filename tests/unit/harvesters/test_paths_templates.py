"""Where values stand, and where they go: paths through wrapped JSON, places in requests."""

import json
from contextlib import suppress
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckanext.hljshare.ingest import envelope
from ckanext.hljshare.ingest.fetch import SourceError
from harvesters import templates
from harvesters.paths import Path

ANSWER = {
    "data": {"rows": [{"id": 1}, {"id": 2}], "a.b": 5},
    "text": json.dumps({"list": json.dumps([{"id": 3}])}),
    "one": {"id": 4},
    "by": {"x": {"id": 5}, "y": {"id": 6}},
    "nothing": None,
    "pages": [{"rows": [1, 2]}, {"rows": [3]}],
}


@pytest.mark.parametrize(
    ("path", "rows"),
    [
        ("data.rows", [{"id": 1}, {"id": 2}]),
        ("$.data.rows", [{"id": 1}, {"id": 2}]),
        ("text.list", [{"id": 3}]),
        ("one", [{"id": 4}]),
        ("by[*]", [{"id": 5}, {"id": 6}]),
        ("nothing", []),
        ("pages[*].rows[*]", [1, 2, 3]),
        ("pages[1].rows", [3]),
        ("data.none", None),
        ("data.rows.id", None),
        ('data["a.b"]', None),
    ],
)
def test_rows(path, rows):
    assert Path(path).rows(json.loads(json.dumps(ANSWER))) == rows


def test_values():
    assert Path('data["a.b"]').first(ANSWER) == 5
    assert Path("data.rows[*].id").all(ANSWER) == [1, 2]
    assert Path("").first(ANSWER) is ANSWER
    assert Path("data.rows[9].id").first(ANSWER) is None


@given(st.text(max_size=30))
def test_a_path_is_read_or_refused(words):
    with suppress(ValueError):
        Path(words).rows(ANSWER)


SCOPE = {"page": 2, "size": 50, "cursor": "", "id": "a/b%2F c&d=甲"}.get


def test_a_place_alone_keeps_its_type():
    filled = templates.fill({"pageNo": "${page}", "x": ["p${page}", True, None]}, SCOPE)
    assert filled == {"pageNo": 2, "x": ["p2", True, None]}


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ({"pageNo": "${page}", "tags": []}, '{"pageNo":2,"tags":[]}'),
        ({"$json": {"n": "${page}"}}, '{"n":2}'),
        ({"$form": {"n": "${page}", "s": "a b"}}, "n=2&s=a+b"),
        ({"$quoted": {"$json": {"n": "${page}"}}}, "%7B%22n%22%3A2%7D"),
        ({"$quoted": {"n": "甲"}}, "%7B%22n%22%3A%22%E7%94%B2%22%7D"),
        ("${cursor}", ""),
        (True, "true"),
        (None, ""),
    ],
)
def test_parameters_within_a_parameter(template, text):
    assert templates.fill_flat({"postData": template}, SCOPE) == {"postData": text}


@given(st.text(max_size=30))
def test_an_id_in_an_address_is_the_same_id_when_it_is_read(native_id):
    """``/``, ``%2F``, ``..``, ``?``, ``#``: none of them changes where the request goes."""
    address = templates.Address("down/load?id=${id}&x=1", "http://h:1/base/")
    url = address.fill({"id": native_id}.get)
    parts = urlsplit(url)
    sent = native_id.encode("utf-8", "ignore").decode()
    assert (parts.hostname, parts.path, parts.fragment) == ("h", "/base/down/load", "")
    assert parse_qs(parts.query, keep_blank_values=True) == {"id": [sent], "x": ["1"]}
    assert unquote(templates.fill_url("${id}", {"id": native_id}.get)) == sent


@given(
    st.dictionaries(
        st.text(max_size=6), st.text(max_size=12) | st.integers() | st.none(), max_size=5
    )
)
def test_json_is_the_same_however_it_is_wrapped(value):
    plain = json.dumps(value, ensure_ascii=True)
    for wrapped in (
        plain,
        json.dumps(plain),
        json.dumps(json.dumps(plain)),
        f"callback({plain});",
        f"/**/jQuery1113_17({plain})",
        f"  a.b.c (\n{plain}\n) ;\n",
        f"({plain})",
        "\ufeff" + plain,
    ):
        assert envelope.parse(wrapped.encode()) == value


@given(st.text(alphabet="ab'\"\\甲:{},[]", max_size=20))
def test_single_quotes_are_read(words):
    inner = words.replace("\\", "\\\\").replace("'", "\\'")
    assert envelope.parse(f"cb({{'k':{{'v':'{inner}', n: 1}}}})".encode()) == {
        "k": {"v": words, "n": 1}
    }


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data):
    with suppress(SourceError):
        envelope.parse(data)
