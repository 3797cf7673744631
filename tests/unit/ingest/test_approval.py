"""What was approved is the source as it was: any change of it needs somebody again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckanext.hljshare.ingest import approval, previews

BASE = ("odweb", "http://data.example.gov.cn/odweb", '{"mapping": "harbin"}', "org", "title: 甲\n")


@pytest.mark.parametrize("place", range(5))
def test_kind_address_settings_owner_and_mapping_count(place):
    other = list(BASE)
    other[place] = '{"mapping": "daqing"}' if place == 2 else "other"
    assert approval.digest(*BASE) != approval.digest(*other)


def test_the_spelling_of_the_settings_does_not_count():
    same = ("odweb", f" {BASE[1]} ", '{ "mapping":"harbin" }', "org", BASE[4])
    assert approval.digest(*same) == approval.digest(*BASE)


@given(*[st.text(max_size=8)] * 5, *[st.text(max_size=8)] * 5)
def test_no_two_sources_have_one_digest(a, b, c, d, e, a2, b2, c2, d2, e2):
    one, two = (a, b.strip(), c, d, e), (a2, b2.strip(), c2, d2, e2)
    if approval.digest(*one) == approval.digest(*two):
        assert (a, b.strip(), d, e) == (a2, b2.strip(), d2, e2)


@pytest.mark.parametrize(
    ("approved", "of", "expected"),
    [
        (None, None, "not-approved"),
        (None, "now", "not-approved"),
        ("2026", "now", None),
        ("2026", "before", "changed-since-approval"),
        ("2026", None, None),
    ],
)
def test_only_what_was_approved_runs(approved, of, expected):
    assert approval.decide(approved, of, approval.Digests("now", "old form")) == expected


@pytest.mark.parametrize(
    ("kind", "settings"),
    [("push", "{}"), ("push", '{"mapping": "harbin"}'), ("odweb", "{}"), ("odweb", None)],
)
def test_a_release_that_changes_the_softwares_own_mapping_takes_no_approval_back(kind, settings):
    before = approval.digests(kind, BASE[1], settings, "org", "title: 旧\n")
    after = approval.digests(kind, BASE[1], settings, "org", "title: 新\n")
    assert approval.decide("2026", before.now, after) is None
    assert before.before != after.before  # what is read anew for it


def test_a_mapping_of_its_own_counts():
    before, after = (approval.digests(*BASE[:4], text) for text in ("title: 旧\n", "title: 新\n"))
    assert approval.decide("2026", before.now, after) == "changed-since-approval"


@pytest.mark.parametrize("kind", ["push", "odweb"])
def test_what_was_approved_while_the_common_mapping_counted_stays_approved(kind):
    one = (kind, BASE[1], "{}", "org", "title: 甲\n")
    assert approval.decide("2026", approval.digest(*one), approval.digests(*one)) is None
    other = (kind, "http://other.example", *one[2:])
    refused = approval.decide("2026", approval.digest(*one), approval.digests(*other))
    assert refused == "changed-since-approval"


class Endless:
    total = 10**9

    def records(self):
        number = 0
        while True:
            number += 1
            yield number


def test_a_trial_ends_after_so_many_records_or_seconds():
    limited = previews.Limited(Endless(), records=7)
    assert (list(limited.records()), limited.cut, limited.total) == (
        [1, 2, 3, 4, 5, 6, 7],
        True,
        None,
    )
    times = iter(range(100))
    slow = previews.Limited(Endless(), seconds=3, clock=lambda: next(times))
    assert len(list(slow.records())) == 3
    assert slow.cut


def test_what_is_kept_of_a_trial_holds_no_address_and_no_false_alarm():
    found = {
        "seen": 2,
        "created": 2,
        "stopped": "shrink: 90 / 100",
        "problems": {"cycle-missing": 2},
        "first": [
            {
                "native_id": "1",
                "title": "甲",
                "fields": {"open_type": "closed", "source_url": "http://10.1.1.1/x"},
                "resources": [{"name": "表", "format": "CSV", "url": "http://10.1.1.1/y"}],
                "raw": "http://10.1.1.1/z",
            }
        ]
        * 30,
    }
    kept = previews.kept(found, cut=True)
    assert kept["stopped"] is None
    assert previews.kept(found, cut=False)["stopped"] == "shrink: 90 / 100"
    assert len(kept["first"]) == 20
    assert "10.1.1.1" not in str(kept)
    assert kept["first"][0]["resources"] == [{"name": "表", "format": "CSV"}]
