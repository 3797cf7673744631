"""The hash chain: nothing is changed, put in, taken out or moved without being found, with its
place."""

from __future__ import annotations

import itertools
from datetime import date, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ckanext.hljshare.safety import chain

CHINA = timezone(timedelta(hours=8))
KEY = b"k" * 32


def build(records, key=None):
    """A chain over records."""
    rows, head = [], chain.GENESIS
    for position, record in enumerate(records, 1):
        own = chain.digest(head, record, key)
        rows.append(chain.Row(position, head, own, record))
        head = own
    return rows


def numbered(rows):
    """The rows with places from 1 again, as a careful forger leaves them."""
    return [row._replace(position=place) for place, row in enumerate(rows, 1)]


leaves = (
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"]))
)
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=3)
    ),
    max_leaves=6,
)
records = st.lists(
    st.fixed_dictionaries({"n": st.integers(), "data": values}),
    min_size=3,
    max_size=9,
    unique_by=lambda record: record["n"],
)


def test_the_first_hash_is_what_it_always_was():
    """A change of the canonical form would make every stored chain look forged."""
    record = {"b": "数据", "a": [1, None, True], "at": datetime(2026, 11, 25, 8, tzinfo=CHINA)}
    assert chain.canonical(record) == (
        '{"a":[1,null,true],"at":"2026-11-25T00:00:00.000000Z","b":"数据"}'.encode()
    )
    assert chain.digest("", record) == (
        "8debd165b77898df3484f1af599478178dbcfc68fdb75eec2556aaf75add2688"
    )


@pytest.mark.parametrize(
    "same",
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ({"a": (1, 2)}, {"a": [1, 2]}),
        (
            {"at": datetime(2026, 1, 1, 8, tzinfo=CHINA)},
            {"at": datetime(2026, 1, 1, tzinfo=timezone.utc)},
        ),
        ({"day": date(2026, 1, 1)}, {"day": "2026-01-01"}),
    ],
)
def test_equal_content_has_one_form(same):
    """What the database gives back in another order, zone or type hashes the same."""
    assert chain.digest("x", same[0]) == chain.digest("x", same[1])


@pytest.mark.parametrize(
    "other",
    [{"a": "1"}, {"a": True}, {"a": None}, {}, {"a": 1, "b": None}, {"a": [1]}, {"A": 1}],
)
def test_other_content_has_another_hash(other):
    """Also types count."""
    assert chain.digest("", {"a": 1}) != chain.digest("", other)


@pytest.mark.parametrize(
    "record",
    [{"a": 1.5}, {"a": {"b": [0.1]}}, {1: "a"}, {"a": b"x"}, {"a": {1}}, {"a": object()}],
)
def test_what_has_no_single_form_is_refused(record):
    """Floats above all: they come back from a database in another form."""
    with pytest.raises(TypeError):
        chain.digest("", record)


@pytest.mark.parametrize("record", [{"at": datetime(2026, 1, 1)}, {"a": "\ud800"}])  # noqa: DTZ001
def test_times_without_zone_and_broken_text_are_refused(record):
    """Neither has one meaning."""
    with pytest.raises(ValueError):
        chain.digest("", record)


def test_the_key_and_the_algorithm_count():
    """A forger without the key cannot compute hashes."""
    found = {
        chain.digest("", {"a": 1}),
        chain.digest("", {"a": 1}, KEY),
        chain.digest("", {"a": 1}, b"j" * 32),
        chain.digest("", {"a": 1}, algorithm="sha512"),
    }
    assert len(found) == 4
    assert not chain.verify(build([{"a": 1}], KEY)).intact
    assert chain.verify(build([{"a": 1}], KEY), KEY).intact


def test_an_empty_chain_is_intact():
    """Nothing happened yet."""
    assert chain.verify([]) == chain.Result(0, chain.GENESIS)


@settings(max_examples=60, deadline=None)
@given(records)
def test_an_untouched_chain_is_intact(content):
    """No false alarms; the count and the head are those of the last entry."""
    rows = build(content)
    assert chain.verify(iter(rows)) == chain.Result(len(rows), rows[-1].hash)
    sealed = chain.seal(2, rows[1].hash, KEY)
    assert chain.verify(rows, sealed=sealed, seal_key=KEY).intact


@settings(max_examples=60, deadline=None)
@given(records, st.data())
def test_any_change_is_found_at_its_place(content, data):
    """Of the content, of the hash, or of the link."""
    rows = build(content)
    at = data.draw(st.integers(0, len(rows) - 1))
    row = rows[at]
    what = data.draw(st.sampled_from(["record", "hash", "previous"]))
    if what == "record":
        other = data.draw(values.filter(lambda value: {"x": value} != row.record))
        rows[at] = row._replace(record={"x": other})
    else:
        digits = data.draw(st.text("0123456789abcdef", min_size=64, max_size=64))
        changed = digits if digits != getattr(row, what) else "0"
        rows[at] = row._replace(**{what: changed})
    expected = "link" if what == "previous" else "content"
    assert chain.verify(rows).finding == chain.Finding(expected, at + 1)


@settings(max_examples=60, deadline=None)
@given(records, st.data())
def test_a_change_with_a_new_hash_is_found_at_the_next_entry(content, data):
    """Who recomputes the entry's own hash breaks the link after it; the last one needs the seal."""
    rows = build(content)
    sealed = chain.seal(len(rows), rows[-1].hash, KEY)
    at = data.draw(st.integers(0, len(rows) - 1))
    record = {"forged": True}
    rows[at] = rows[at]._replace(record=record, hash=chain.digest(rows[at].previous, record))
    found = chain.verify(rows, sealed=sealed, seal_key=KEY).finding
    last = at == len(rows) - 1
    assert found == chain.Finding("head" if last else "link", len(rows) if last else at + 2)


@settings(max_examples=60, deadline=None)
@given(records, st.data())
def test_a_deletion_is_found_at_its_place(content, data):
    """With the gap it leaves, or numbered anew."""
    rows = build(content)
    first = data.draw(st.integers(0, len(rows) - 2))
    after = data.draw(st.integers(first + 1, len(rows) - 1))
    left = rows[:first] + rows[after:]
    assert chain.verify(left).finding == chain.Finding("missing", first + 1, after)
    assert chain.verify(numbered(left)).finding == chain.Finding("link", first + 1)


@settings(max_examples=60, deadline=None)
@given(records, st.data())
def test_the_removal_of_the_tail_is_found_with_a_seal(content, data):
    """Without one, a shorter chain is a chain."""
    rows = build(content)
    kept = data.draw(st.integers(0, len(rows) - 1))
    sealed = chain.seal(len(rows), rows[-1].hash, KEY)
    assert chain.verify(rows[:kept]).intact
    found = chain.verify(rows[:kept], sealed=sealed, seal_key=KEY)
    assert (found.count, found.finding) == (kept, chain.Finding("tail", kept + 1, len(rows)))


@settings(max_examples=60, deadline=None)
@given(records, st.data())
def test_an_insertion_is_found_at_its_place(content, data):
    """An entry put in, however well it is made, breaks the link of the one after it."""
    rows = build(content)
    at = data.draw(st.integers(0, len(rows) - 1))
    head = rows[at].previous
    record = {"forged": 1}
    forged = chain.Row(at + 1, head, chain.digest(head, record), record)
    crude = [*rows[: at + 1], rows[at], *rows[at + 1 :]]
    assert chain.verify(crude).finding == chain.Finding("order", at + 1)
    careful = numbered([*rows[:at], forged, *rows[at:]])
    assert chain.verify(careful).finding == chain.Finding("link", at + 2)


@settings(max_examples=60, deadline=None)
@given(records, st.data())
def test_reordering_is_found_at_the_first_place(content, data):
    """Two entries that changed places."""
    rows = build(content)
    one, two = sorted(data.draw(st.sets(st.integers(0, len(rows) - 1), min_size=2, max_size=2)))
    rows[one], rows[two] = rows[two], rows[one]
    assert chain.verify(numbered(rows)).finding == chain.Finding("link", one + 1)
    content_only = build(content)
    swapped = list(content_only)
    swapped[one] = content_only[one]._replace(record=content_only[two].record)
    swapped[two] = content_only[two]._replace(record=content_only[one].record)
    assert chain.verify(swapped).finding == chain.Finding("content", one + 1)


@settings(max_examples=60, deadline=None)
@given(records, st.data())
def test_a_chain_rewritten_from_some_place_on_is_found_with_a_seal(content, data):
    """Whoever may write the table can compute plain hashes; the seal's key is not in there."""
    rows = build(content)
    at = data.draw(st.integers(0, len(rows) - 1))
    sealed = chain.seal(len(rows), rows[-1].hash, KEY)
    content = [*content[:at], {"forged": True}, *content[at + 1 :]]
    forged = build(content)
    assert chain.verify(forged).intact
    found = chain.verify(forged, sealed=sealed, seal_key=KEY).finding
    assert found == chain.Finding("head", len(rows))


@pytest.mark.parametrize(
    "forge", [{"position": 2}, {"hash": "0" * 64}, {"mac": "0" * 64}, {"mac": ""}]
)
def test_a_forged_seal_is_found(forge):
    """Lowering the sealed place would hide that the end was cut off."""
    rows = build([{"n": n} for n in range(3)])
    sealed = chain.seal(3, rows[-1].hash, KEY)._replace(**forge)
    assert chain.verify(rows, sealed=sealed, seal_key=KEY).finding.kind == "seal"
    with pytest.raises(ValueError, match="key"):
        chain.verify(rows, sealed=sealed)


@pytest.mark.parametrize("bad", [1.5, datetime(2026, 1, 1), "\ud800"])  # noqa: DTZ001
def test_content_that_was_never_hashed_is_a_finding_not_a_crash(bad):
    """A row written past the engine."""
    rows = build([{"n": 1}, {"n": 2}])
    rows[1] = rows[1]._replace(record={"n": bad})
    assert chain.verify(rows).finding == chain.Finding("content", 2)


def test_a_long_chain_is_read_once_and_never_held():
    """Verification streams: no row is kept."""
    alive = 0
    most = 0

    class Record(dict):
        def __init__(self, n):
            nonlocal alive, most
            super().__init__(n=n)
            alive += 1
            most = max(most, alive)

        def __del__(self):
            nonlocal alive
            alive -= 1

    def rows():
        head = chain.GENESIS
        for position in itertools.count(1):
            if position > 2000:
                return
            record = Record(position)
            own = chain.digest(head, record)
            yield chain.Row(position, head, own, record)
            head = own

    assert chain.verify(rows()).count == 2000
    assert most < 10
