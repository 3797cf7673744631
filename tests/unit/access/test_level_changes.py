"""What a change of levels loosens, and so needs a second person; tightening always may."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckanext.hljshare.access.changes import rules

OPEN = ["open", "on_request", "closed"]
SHARE = ["unconditional", "conditional", "none"]


def levels(open_type="on_request", share_type="conditional", **files):
    """Return levels as they are stored."""
    return {"open_type": open_type, "share_type": share_type, "files": files}


@pytest.mark.parametrize(
    ("before", "after", "looser", "stricter"),
    [
        (levels("on_request"), levels("open"), [None], []),
        (levels("open"), levels("closed"), [], [None]),
        (levels("closed"), levels("on_request"), [None], []),
        (levels(share_type="none"), levels(share_type="conditional"), [None], []),
        (levels(share_type="unconditional"), levels(share_type="none"), [], [None]),
        # Unknown is the strictest: naming a level where there was none lets people in.
        (levels(share_type=None), levels(share_type="unconditional"), [None], []),
        (levels("secret"), levels("open"), [None], []),
        (levels("open"), levels("???"), [], [None]),
        # A file of its own level; a file that is gone; new files.
        (levels(a="closed"), levels(a="on_request"), ["a"], []),
        (levels(a="open"), levels(a="closed"), [], ["a"]),
        (levels(a="open"), levels(), [], []),
        (levels(), levels(a="on_request"), [], []),
        (levels(), levels(a="closed"), [], []),
        (levels(), levels(a="open"), ["a"], []),
        (levels("open"), levels("open", a="open"), [], []),
        # It was open before, so a sample left open lets nobody in.
        (levels("open"), levels("on_request", a="open"), [], [None]),
        # One looser and one stricter: it loosens.
        (levels("open", "none", a="open"), levels("closed", "conditional"), [None], [None]),
        (levels("open", a="closed"), levels("closed", a="on_request"), ["a"], [None]),
    ],
)
def test_what_a_change_does(before, after, looser, stricter):
    """Each step stands on the side of what it does, for the dataset (None) or a file."""
    found = rules.compare(before, after)
    assert [step.file for step in found.looser] == looser
    assert [step.file for step in found.stricter] == stricter


def test_before_the_first_publication_nothing_binds():
    """What was never public has nothing to be looser than."""
    assert not rules.compare(None, levels("open", "unconditional", a="open")).loosens


any_levels = st.builds(
    levels,
    st.sampled_from([*OPEN, None, "unknown"]),
    st.sampled_from([*SHARE, None, "unknown"]),
    a=st.sampled_from(OPEN),
    b=st.sampled_from(OPEN),
)


def audience(one, part):
    """How many kinds of people a level lets in."""
    order = rules.SHARE_ORDER if part == "share_type" else rules.OPEN_ORDER
    return 2 - order.get(one, 2)


@given(any_levels, any_levels)
def test_it_loosens_exactly_when_somebody_gets_more(before, after):
    """On either axis, for the dataset or any file; what everybody may have, agencies have."""
    everything = [*before["files"].values(), *after["files"].values()]
    everything += [before["open_type"], after["open_type"]]
    parts = ("open_type",) if set(everything) == {"open"} else ("open_type", "share_type")
    more = any(audience(after[part], part) > audience(before[part], part) for part in parts) or any(
        audience(after["files"][name], "open_type") > audience(before["files"][name], "open_type")
        for name in ("a", "b")
    )
    assert rules.compare(before, after).loosens == more


@given(any_levels, any_levels)
def test_going_back_is_the_opposite(before, after):
    """What tightened one way loosens the other: a way there and back never hides anything."""
    there, back = rules.compare(before, after), rules.compare(after, before)
    assert there.loosens == back.tightens
    assert there.tightens == back.loosens


@given(any_levels, any_levels, any_levels)
def test_steps_that_loosen_nothing_add_up_to_nothing_looser(first, second, third):
    """So no chain of changes by one person gets around the second."""
    if not rules.compare(first, second).loosens and not rules.compare(second, third).loosens:
        assert not rules.compare(first, third).loosens


def test_a_file_that_follows_its_dataset_is_told_once():
    """People read one step, not one for each file."""
    found = rules.compare(levels("closed", a="closed", b="on_request"), levels("open", a="open"))
    assert [step.file for step in rules.without_echoes(found.looser)] == [None]


def test_levels_of_a_dataset():
    """Files count with their effective level; a looser one only as a sample or masked data."""
    files = [
        {"id": "a"},
        {"id": "b", "open_type": "closed"},
        {"id": "c", "open_type": "open"},
        {"id": "d", "open_type": "open", "derivative": "sample"},
    ]
    dataset = {"open_type": "on_request", "share_type": ""}
    assert rules.levels_of(dataset, files) == {
        "open_type": "on_request",
        "share_type": "none",
        "files": {"a": "on_request", "b": "closed", "c": "on_request", "d": "open"},
    }
