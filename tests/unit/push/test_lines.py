"""What is taken of a pushed line, what is refused, and that nothing loosens what is not known."""

import json
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckanext.hljshare.catalog import codelists
from ckanext.hljshare.ingest.record import CatalogRecord
from ckanext.hljshare.push import lines

TODAY = date(2026, 3, 2)


def record(**changes):
    plain = {
        "native_id": "230100-公交/线路%2F1",
        "title": "公交线路信息",
        "provider": "哈尔滨市交通运输局",
        "fields": {
            "notes": "各线路的起点、终点和运营时间。",
            "open_type": "open",
            "share_type": "unconditional",
            "update_cycle": "monthly",
            "items": [{"name": "线路名称", "data_type": "C", "length": 20}],
        },
        "tags": ["公交"],
        "resources": [
            {
                "native_id": "f1",
                "name": "线路.csv",
                "url": "http://a.example/f.csv",
                "format": "csv",
            }
        ],
    }
    fields = changes.pop("fields", {})
    plain.update(changes)
    plain["fields"] = {**plain["fields"], **fields}
    return plain


def upsert(**changes):
    return read({"op": "upsert", "record": record(**changes)})


def read(line):
    data = line if isinstance(line, bytes) else json.dumps(line, ensure_ascii=False).encode()
    return lines.read(7, data, TODAY)


def refusal(answer):
    assert isinstance(answer, lines.Refused), answer
    return answer.reasons[0]


def test_a_good_record_is_taken_and_keeps_the_hash_of_what_was_sent():
    """The sender finds its own hash in the receipt and in the state."""
    line = upsert()
    sent = CatalogRecord.from_dict(record())
    whole = read({"op": "upsert", "record": sent.to_dict()})
    assert whole.content_hash == sent.content_hash()
    assert (line.number, line.native_id) == (7, "230100-公交/线路%2F1")
    assert line.record.fields["supply_channel"] == "push"
    assert line.record.held is None
    assert line.record.resources[0].format == "CSV"


def test_a_version_has_one_name_whatever_release_has_sent_it():
    """A record without keys that this release knows keeps the hash of what was sent."""
    plain = record()
    line = upsert()
    assert line.content_hash == lines.hash_of(plain) == lines.hash_of({**plain, "raw": {"a": "b"}})
    whole = {**plain, "held": None}
    assert read({"op": "upsert", "record": whole}).content_hash == lines.hash_of(whole)


def test_a_deletion_is_a_tombstone():
    """No record, no hash."""
    line = read({"op": "delete", "id": "a"})
    assert (line.native_id, line.record, line.content_hash) == ("a", None, "")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "line-empty"),
        (b"   ", "line-empty"),
        (None, "line-too-long"),
        (b"{", "line-not-json"),
        (b"\xff\xfe", "line-not-json"),
        (b"[]", "line-not-an-object"),
        (b"17", "line-not-an-object"),
        (b'{"op":"upsert","op":"delete","id":"a"}', "line-duplicate-key: op"),
        (b'{"op":"delete","id":NaN}', "line-not-json: NaN"),
        (b'{"op":"delete","id":1e400}', "line-wrong-type: id"),
        (b'{"op":"delete","id":' + b"9" * 5000 + b"}", "line-not-json"),
        (b"[" * 100_000, "line-not-json"),
        (b'{"a":' * 100_000, "line-not-json"),
        (b'{"op":"delete","id":[[[[[[[["x"]]]]]]]]}', "line-too-deep: 6"),
        (b'{"op":"delete","id":"a\\u0000b"}', "line-control-characters: id"),
        (b'{"op":"delete","id":"\\ud800"}', "line-control-characters: id"),
        (b'{"op":"delete"}', "line-missing: id"),
        (b'{"op":"delete","id":""}', "line-bad-id: id"),
        (b'{"op":"delete","id":" a"}', "line-bad-id: id"),
        (b'{"op":"delete","id":"a\\nb"}', "line-bad-id: id"),
        (b'{"op":"delete","id":7}', "line-wrong-type: id"),
        (b'{"op":"delete","id":"a","force":true}', "line-unknown-key: force"),
        (b'{"op":"purge","id":"a"}', "line-unknown-op: purge"),
        (b'{"op":"upsert","record":[]}', "line-wrong-type: record"),
    ],
)
def test_what_is_no_line_is_refused_alone(data, reason):
    """One bad line is that line's; it says what is wrong."""
    assert refusal(lines.read(1, data, TODAY)) == reason


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"extra": 1}, "line-unknown-key: record.extra"),
        ({"title": 5}, "line-wrong-type: title"),
        ({"title": "<b></b>"}, "line-missing: title"),
        ({"title": "题" * 1001}, "line-value-too-long: title"),
        ({"native_id": None}, "line-missing: native_id"),
        ({"native_id": "x" * 256}, "line-bad-id: native_id"),
        ({"tags": "a,b"}, "line-wrong-type: tags"),
        ({"provider": ["a"]}, "line-wrong-type: provider"),
        ({"fields": {"notes": 3}}, "line-wrong-type: notes"),
        ({"fields": {"open_type": True}}, "line-wrong-type: open_type"),
        ({"fields": {"items": "a"}}, "line-wrong-type: items"),
        ({"fields": {"items": [{"name": "a", "evil": "b"}]}}, "line-unknown-key: items.evil"),
        ({"fields": {"items": [{"name": {}}]}}, "line-wrong-type: items.name"),
        ({"fields": {"owner_org": "qiqihar"}}, "line-refused-field: owner_org"),
        ({"fields": {"private": False}}, "line-refused-field: private"),
        ({"fields": {"held_reason": ""}}, "line-refused-field: held_reason"),
        ({"fields": {"source_id": "x"}}, "line-refused-field: source_id"),
        ({"fields": {"name": "x"}}, "line-refused-field: name"),
        ({"fields": {"source_url": "javascript:alert(1)"}}, "line-bad-url: source_url"),
        ({"resources": {}}, "line-wrong-type: resources"),
        ({"resources": [{"native_id": "a", "name": "b"}]}, "line-missing: resources.url"),
    ],
)
def test_types_are_strict_and_the_provinces_own_fields_are_not_sent(changes, reason):
    """Nobody sets owner, name or state of a dataset by pushing."""
    assert refusal(upsert(**changes)) == reason


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "file:///etc/passwd",
        "http://user:secret@a.example/f",
        "http://a.example/a b",
        "//a.example/f",
        "http://[::1",
        "http:///f",
        "gopher://a.example/",
    ],
)
def test_addresses_that_may_not_be_stored(url):
    """No scripts, no local files, no passwords in addresses."""
    file = {"native_id": "f", "name": "a", "url": url}
    assert refusal(upsert(resources=[file])) == "line-bad-url: resources.url"


def test_the_same_file_twice_in_a_record_is_refused():
    """Their ids would be one."""
    file = {"native_id": "f", "name": "a", "url": ""}
    assert refusal(upsert(resources=[file, file])).startswith("line-duplicate-key")


@pytest.mark.parametrize(
    ("fields", "held"),
    [
        ({"open_type": "无条件"}, "opening-unknown: 无条件"),
        ({"open_type": "OPEN"}, "opening-unknown: OPEN"),
        ({"open_type": None}, "opening-missing"),
        ({"open_type": ""}, "opening-missing"),
        ({"share_type": "yes"}, "sharing-unknown: yes"),
        ({"share_type": "none"}, "sharing-contradicts-opening"),
        ({"items": [{"name": "身份证号"}]}, "personal-data-columns: 身份证号"),
    ],
)
def test_what_is_not_certain_is_held(fields, held):
    """Unknown levels are never guessed; open data with columns about people waits for a person."""
    line = upsert(fields=fields)
    assert line.record.held == held
    assert line.record.fields.get("open_type") in (None, "open")


def test_a_city_may_hold_its_own_record():
    """And its warnings are not repeated as ours."""
    line = upsert(held="保密审查未完成", warnings=["details-unreadable"])
    assert line.record.held == "held-by-sender: 保密审查未完成"
    assert "details-unreadable" not in line.record.warnings


def test_other_unknown_codes_and_fields_are_left_out_with_a_warning():
    """The record is filed; the receipt says what is missing."""
    record = upsert(
        fields={"theme": "ghost", "update_cycle": "每日", "format_type": "X9", "colour": "red"}
    ).record
    assert not {"theme", "format_type", "colour"} & set(record.fields)
    assert record.fields["update_cycle"] == "irregular"
    assert set(record.warnings) == {
        "theme-unknown: ghost",
        "cycle-unknown: 每日",
        "code-unknown: format_type X9",
        "field-unknown: colour",
    }


def test_markup_does_not_reach_the_portal():
    """Texts are texts."""
    record = upsert(
        title="<script>alert(1)</script>公交<b>线路</b>",
        fields={"notes": "<p>起点</p><img src=x onerror=alert(1)>终点"},
        resources=[{"native_id": "f", "name": "<i>a</i>", "url": "", "description": "<a>b</a>"}],
    ).record
    assert record.title == "公交线路"
    assert record.fields["notes"] == "起点\n终点"
    assert (record.resources[0].name, record.resources[0].description) == ("a", "b")


def test_a_day_in_the_future_is_left_out():
    """A city whose clock is wrong loses a date, not a record."""
    record = upsert(fields={"released": "2027-01-01", "data_updated": "2026-02-30"}).record
    assert not {"released", "data_updated"} & set(record.fields)
    assert set(record.warnings) == {"date-in-future: 2027-01-01", "date-unreadable: 2026-02-30"}
    assert upsert(fields={"review_date": "2027-01-01"}).record.fields["review_date"]


def test_an_unknown_level_of_a_file_is_the_strictest():
    """Never that of its dataset."""
    file = {"native_id": "f", "name": "a", "url": "http://a.example/f", "open_type": "public"}
    record = upsert(resources=[file]).record
    assert record.resources[0].open_type == "closed"
    assert record.warnings == ("opening-unknown: public",)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@given(JSON, st.sampled_from(["fields", "resources", "tags", "title", "native_id", "held", "raw"]))
def test_no_json_brings_it_down(value, place):
    """Whatever stands in a record: taken or refused, with levels of our lists only."""
    plain = record()
    plain[place] = value
    try:
        data = json.dumps({"op": "upsert", "record": plain}).encode()
    except ValueError:
        return
    answer = lines.read(1, data, TODAY)
    if isinstance(answer, lines.Line):
        level = answer.record.fields.get("open_type")
        assert level is None or codelists.is_valid("open_type", level)
        assert level or answer.record.held
    else:
        assert answer.reasons


@given(st.binary(max_size=200))
def test_no_bytes_bring_it_down(data):
    """Nor anything else."""
    answer = lines.read(1, data, TODAY)
    assert isinstance(answer, (lines.Line, lines.Refused))
