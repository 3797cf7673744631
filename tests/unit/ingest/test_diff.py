"""What a run may do to a city's datasets: the brake, withdrawals, levels, and a person's word."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckanext.hljshare.ingest import diff
from ckanext.hljshare.ingest.diff import Known, Seen


def known(*names, **more):
    return {
        name: Known(name, f"hash {name}", standing=True, open_type="open", **more) for name in names
    }


def seen(*names, open_type="open"):
    return [Seen(name, f"hash {name}", open_type) for name in names]


def outcomes(plan):
    return {step.native_id: step.outcome for step in plan.steps}


def test_new_changed_same_and_missing():
    before = known("a", "b", "c", "d", "e", "f")
    now = [*seen("a", "c", "d", "e", "f")[1:], Seen("a", "other", "open"), Seen("new", "x", "open")]
    assert outcomes(diff.plan(before, now)) == {
        "c": "unchanged",
        "d": "unchanged",
        "e": "unchanged",
        "f": "unchanged",
        "a": "updated",
        "new": "created",
        "b": "withdrawn",
    }


def test_a_page_that_repeats_counts_once():
    collector = diff.Collector()
    assert [collector.add(record) for record in (*seen("a", "b"), *seen("b", "a"))] == [
        True,
        True,
        False,
        False,
    ]
    assert collector.repeated == 2
    assert diff.plan({}, collector.seen.values()).seen == 2


@pytest.mark.parametrize(
    ("stood", "listed", "total", "stopped"),
    [
        (10, 0, None, "empty-list"),
        (0, 0, None, "empty-list"),
        (10, 8, None, None),
        (10, 7, None, "shrink: 3 / 10"),
        (10, 10, 11, "total-disagrees: 10 / 11"),
        (10, 10, 10, None),
    ],
)
def test_a_suspicious_list_stops_the_run(stood, listed, total, stopped):
    names = [str(number) for number in range(10)]
    plan = diff.plan(known(*names[:stood]), seen(*names[:listed]), total)
    assert plan.stopped == stopped
    assert bool(plan.steps) is (stopped is None)


def test_an_unknown_opening_status_is_held():
    plan = diff.plan({}, [Seen("a", "x", None, "opening-unknown: 9")])
    assert plan.steps[0].outcome == "held"
    assert plan.steps[0].reasons == ("opening-unknown: 9",)


def test_what_is_held_stays_held_until_somebody_makes_it_clear():
    before = {"a": Known("a", "x", standing=True, held=True)}
    assert diff.plan(before, [Seen("a", "x", None, "opening-missing")]).steps[0].outcome == "held"
    assert diff.plan(before, [Seen("a", "y", "open")]).steps[0].outcome == "updated"


def test_what_was_held_for_want_of_something_counts_as_held_until_it_changes():
    """Also when the record itself is clear: it came without what publishing needs."""
    before = {"a": Known("a", "x", standing=True, held=True)}
    assert diff.plan(before, [Seen("a", "x", "closed", None)]).steps[0].outcome == "held"
    assert diff.plan(before, [Seen("a", "y", "closed", None)]).steps[0].outcome == "updated"


def test_a_record_given_in_part_undoes_nothing():
    """Its details failed this time: what stands stays as it is; a new one is made all the same."""
    before = {"a": Known("a", "x", standing=True, open_type="open")}
    partial = Seen("a", "other", "open", partial=True)
    step = diff.plan(before, [partial]).steps[0]
    assert (step.act, step.outcome) == ("keep", "unchanged")
    assert diff.plan({}, [partial]).steps[0].outcome == "created"


def test_a_persons_release_of_a_held_dataset_stands():
    waited = {"waited": "opening-missing", "open_type": "on_request"}
    before = {"a": Known("a", "x", standing=True, held=False, **waited)}
    same = diff.plan(before, [Seen("a", "x", None, "opening-missing")]).steps[0]
    changed = diff.plan(before, [Seen("a", "y", None, "opening-missing")]).steps[0]
    assert (same.outcome, same.act) == ("unchanged", "keep")
    assert (changed.outcome, changed.keep_level) == ("updated", "on_request")


def test_what_never_waited_for_this_stays_as_it_is():
    before = {"a": Known("a", "x", standing=True, open_type="open", waited=None)}
    step = diff.plan(before, [Seen("a", "y", "open", "personal-data-columns: 身份证号")]).steps[0]
    assert (step.outcome, step.act) == ("held", "keep")
    assert step.reasons == ("personal-data-columns: 身份证号",)


def test_a_record_in_part_may_only_tighten():
    before = {"a": Known("a", "x", standing=True, open_type="on_request")}
    for level, act in (("closed", "tighten"), ("on_request", "keep"), ("open", "keep")):
        seen = Seen("a", "y", level, None, partial=True)
        assert diff.plan(before, [seen]).steps[0].act == act


def test_a_source_may_tighten_but_not_loosen():
    closed = {"a": Known("a", "x", standing=True, open_type="closed")}
    looser = diff.plan(closed, [Seen("a", "y", "open")]).steps[0]
    assert (looser.outcome, looser.keep_level) == ("held", "closed")
    opened = {"a": Known("a", "x", standing=True, open_type="open")}
    tighter = diff.plan(opened, [Seen("a", "y", "closed")]).steps[0]
    assert (tighter.outcome, tighter.keep_level) == ("updated", None)


def test_a_person_who_tightened_by_hand_is_not_overruled_by_an_update():
    step = diff.plan(
        {"a": Known("a", "x", standing=True, open_type="closed")}, [Seen("a", "y", "open")]
    ).steps[0]
    assert step.keep_level == "closed"


def test_what_a_person_deleted_does_not_come_back():
    step = diff.plan(
        {"a": Known("a", "x", standing=True, deleted=True)}, [Seen("a", "y", "open")]
    ).steps[0]
    assert step.act == "keep"


def test_what_was_withdrawn_and_is_listed_again_is_restored():
    step = diff.plan({"a": Known("a", "hash a", standing=True, withdrawn=True)}, seen("a")).steps[0]
    assert (step.act, step.outcome) == ("update", "updated")


def test_files_that_could_not_be_fetched_are_tried_again():
    step = diff.plan(
        {"a": Known("a", "hash a", standing=True, open_type="open", unmirrored=1)}, seen("a")
    ).steps[0]
    assert step.act == "refetch"


ids = st.text("abcdef", min_size=1, max_size=2)


@given(
    st.dictionaries(
        ids,
        st.tuples(
            st.sampled_from(["x", "y", None]),
            st.booleans(),
            st.booleans(),
            st.sampled_from(["open", "on_request", "closed", None]),
        ),
    ),
    st.lists(
        st.tuples(
            ids,
            st.sampled_from(["x", "y"]),
            st.sampled_from(["open", "on_request", "closed", None]),
        )
    ),
)
def test_each_record_seen_is_counted_once_and_no_level_is_loosened(before, records):
    state = {
        name: Known(name, content_hash, standing=standing, held=held, open_type=level)
        for name, (content_hash, standing, held, level) in before.items()
    }
    collector = diff.Collector()
    for name, content_hash, level in records:
        collector.add(Seen(name, content_hash, level, None if level else "opening-missing"))
    plan = diff.plan(state, collector.seen.values())
    if plan.stopped:
        assert plan.steps == ()
        return
    counts = plan.counts()
    assert sum(counts.values()) - counts["withdrawn"] == len(collector.seen) == plan.seen
    assert counts["withdrawn"] <= 0.2 * sum(item.standing for item in state.values())
    for step in plan.steps:
        item, record = state.get(step.native_id), collector.seen.get(step.native_id)
        if (
            item
            and record
            and item.standing
            and not item.held
            and step.act == "update"
            and step.keep_level is None
        ):
            assert not diff.is_looser(record.open_type, item.open_type)


def test_a_dataset_whose_agency_has_since_joined_the_tree_is_filed_there():
    before = {"a": Known("a", "hash a", standing=True, open_type="open", unplaced=True)}
    assert diff.plan(before, seen("a")).steps[0].act == "keep"
    assert diff.plan(before, [Seen("a", "hash a", "open", placed=True)]).steps[0].act == "update"


def test_a_record_need_not_be_made_where_nothing_could_come_of_it():
    known = diff.Known(
        "1", "hash", standing=True, open_type="open", said="open", fingerprint="print"
    )
    assert diff.is_untouched(known, "print")
    assert not diff.is_untouched(known, "other")
    assert not diff.is_untouched(None, "print")
    for change in (
        {"unmirrored": 1},
        {"withdrawn": True},
        {"held": True},
        {"unplaced": True},
        {"open_type": "closed"},
        {"standing": False},
    ):
        assert not diff.is_untouched(replace(known, **change), "print")
