"""What cannot be stored is taken out or cut, everything else stays to the letter."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckanext.hljshare.ingest import reasons
from ckanext.hljshare.ingest.record import CatalogRecord, ResourceRecord
from ckanext.hljshare.ingest.sound import LONGEST_ID, sound

PLAIN = CatalogRecord(
    "307/1",
    "公交线路",
    "交通运输局",
    {"notes": "起点和终点", "items": [{"name": "线路名称", "length": 50}]},
    ("公交",),
    (ResourceRecord("1", "线路.csv", "https://a.example/1.csv", "CSV", size=7),),
    ("items-unlisted",),
)
ANYTHING = st.text(st.characters(codec=None, exclude_categories=()), max_size=60)
VALUES = st.recursive(
    ANYTHING | st.none() | st.booleans() | st.integers() | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANYTHING, inner, max_size=3),
    max_leaves=6,
)


def test_a_usual_record_is_the_very_same():
    assert sound(PLAIN) is PLAIN


@given(ANYTHING, ANYTHING, st.dictionaries(ANYTHING, VALUES, max_size=4), st.lists(ANYTHING))
def test_whatever_comes_can_be_stored_and_stays_what_it_is(native_id, title, fields, tags):
    file = ResourceRecord(title, native_id, "https://a.example/" + native_id)
    given_record = CatalogRecord(native_id, title, title, fields, tuple(tags), (file,))
    kept = sound(given_record)
    words = json.dumps(kept.to_dict(), ensure_ascii=False, allow_nan=False)
    assert "\x00" not in json.dumps(words.encode().decode()).replace("\\\\u0000", "")
    assert not any(char == "\x00" for char in kept.native_id + kept.title + kept.resources[0].url)
    assert sound(kept).to_dict() == kept.to_dict()
    kept.content_hash()


@pytest.mark.parametrize("odd", ["\x00", "\ud800"])
def test_what_no_text_can_hold_goes_from_everywhere(odd):
    laced = sound(
        CatalogRecord(
            f"1{odd}",
            f"公{odd}交",
            f"局{odd}",
            {"notes": f"a{odd}b", f"k{odd}": [{"name": odd}]},
            (f"公{odd}交",),
            (ResourceRecord(f"1{odd}", f"n{odd}", f"https://a.example/{odd}"),),
            (f"date-unreadable: {odd}",),
            f"opening-unknown: {odd}",
            {"cycle": odd},
        )
    )
    assert (laced.native_id, laced.title, laced.provider) == ("1", "公交", "局")
    assert laced.fields == {"notes": "ab", "k": [{"name": ""}]}
    assert laced.resources[0] == ResourceRecord("1", "n", "https://a.example/")
    assert odd not in laced.to_json()


def test_long_ids_stay_apart_and_long_texts_are_cut_and_named():
    one, other = "数" * 5000 + "1", "数" * 5000 + "2"
    ids = {sound(replace(PLAIN, native_id=native)).native_id for native in (one, other)}
    assert len(ids) == 2
    assert max(map(len, ids)) <= LONGEST_ID + 21
    fields = {"notes": "数" * 1_000_000, "items": [{"name": str(n)} for n in range(9000)]}
    far = sound(replace(PLAIN, title="数" * 100_000, provider="局" * 9999, fields=fields))
    assert len(far.to_json()) < 200_000
    assert len(far.title) > 500  # still too long for the metadata rules, which say so
    assert {"text-cut: notes", "text-cut: items"} <= set(far.warnings)


def test_a_file_whose_address_no_index_takes_is_left_out():
    long = ResourceRecord("2", "x", "https://a.example/?" + "x" * 3000)
    kept = sound(replace(PLAIN, resources=(*PLAIN.resources, long)))
    assert kept.resources == PLAIN.resources
    assert "address-too-long: 1" in kept.warnings
    assert all(reasons.code_of(each) in reasons._words() for each in kept.warnings)
