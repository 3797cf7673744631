"""The access policy: who may do what, and what the refused are told."""

import itertools
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from ckanext.hljshare.access.grants.rules import Grant
from ckanext.hljshare.access.policy import ANONYMOUS, Content, Subject, decide

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=timezone.utc)
GRANT = Grant("g", "d", "open", NOW - timedelta(days=1), NOW + timedelta(days=1))
SHARE_GRANT = replace(GRANT, axis="share")

CITIZEN = Subject(signed_in=True)
AGENCY = Subject(signed_in=True, government=True)
MEMBER = Subject(signed_in=True, government=True, owner_role="member")
EDITOR = Subject(signed_in=True, government=True, owner_role="editor")
ABOVE = Subject(signed_in=True, government=True, above=True)
SYSADMIN = Subject(signed_in=True, sysadmin=True)
EVERYBODY = [ANONYMOUS, CITIZEN, AGENCY, MEMBER, EDITOR, ABOVE, SYSADMIN]

READING = ("read", "preview", "query")
LEVELS = ("open", "on_request", "closed")
SHARES = ("unconditional", "conditional", "none", None)


def allowed(subject, purpose="read", **content):
    return decide(subject, Content(**content), purpose).allowed


@pytest.mark.parametrize("subject", EVERYBODY)
@pytest.mark.parametrize("purpose", READING)
def test_open_content_is_for_everybody(subject, purpose):
    """6.1 d: unconditionally open data is obtained directly, without signing in."""
    assert allowed(subject, purpose, level="open")


@pytest.mark.parametrize("level", LEVELS)
def test_every_catalog_page_is_public(level):
    """6.1 a: the catalog of restricted data is published, whatever its level."""
    assert allowed(ANONYMOUS, "see", level=level)


@pytest.mark.parametrize(
    ("subject", "level", "share", "expected"),
    [
        (ANONYMOUS, "on_request", None, False),
        (CITIZEN, "on_request", "unconditional", False),
        (CITIZEN, "closed", "unconditional", False),
        (AGENCY, "on_request", "unconditional", True),
        (AGENCY, "closed", "unconditional", True),
        (AGENCY, "on_request", "conditional", False),
        (AGENCY, "closed", "none", False),
        (AGENCY, "closed", None, False),
        (MEMBER, "closed", "none", True),
        (EDITOR, "on_request", "none", True),
        (ABOVE, "on_request", "conditional", False),
        (ABOVE, "closed", "none", False),
        (SYSADMIN, "on_request", "unconditional", False),
        (SYSADMIN, "closed", "none", False),
    ],
)
def test_the_two_axes_are_independent(subject, level, share, expected):
    """5.2: unconditional sharing lets agencies read what the public may not; nothing else does."""
    assert allowed(subject, level=level, share_type=share) is expected


@pytest.mark.parametrize(
    ("subject", "content", "how"),
    [
        (ANONYMOUS, Content("on_request"), "apply"),
        (ANONYMOUS, Content("closed"), "objection"),
        (AGENCY, Content("closed", "conditional"), "ask_agency"),
        (AGENCY, Content("on_request", "conditional"), "apply"),
        (ABOVE, Content("closed", "none"), "state_purpose"),
        (SYSADMIN, Content("on_request"), "state_purpose"),
        (replace(SYSADMIN, machine=True), Content("on_request"), "none"),
    ],
)
def test_a_refusal_says_the_way_on(subject, content, how):
    """6.1 a, e: who is refused learns how to get it, or how to object."""
    decision = decide(subject, content, "read")
    assert not decision.allowed
    assert decision.how == how


@pytest.mark.parametrize("subject", [ANONYMOUS, CITIZEN, AGENCY])
@pytest.mark.parametrize("purpose", ["see", *READING, "manage"])
def test_unpublished_datasets_are_for_their_agency(subject, purpose):
    """A held dataset is seen by its own agency's people and by nobody else, grant or not."""
    granted = replace(subject, grant=GRANT, grant_state="live")
    for who in (subject, granted):
        for level in LEVELS:
            assert not allowed(who, purpose, level=level, published=False)


def test_withdrawn_content_is_gone_for_all_but_the_page():
    """5.2 c: of withdrawn data a page remains, no content."""
    for subject in EVERYBODY:
        assert not allowed(replace(subject, stated=True), "read", level="open", withdrawn=True)
        assert allowed(subject, "see", level="open", withdrawn=True)


def test_only_editors_manage():
    """Members read; editors, administrators and the system administrator manage."""
    assert [allowed(s, "manage", level="open") for s in (ANONYMOUS, CITIZEN, AGENCY, MEMBER)] == [
        False
    ] * 4
    assert all(allowed(s, "manage", level="closed") for s in (EDITOR, ABOVE, SYSADMIN))


def test_more_rights_never_take_access_away():
    """Whoever gains a role keeps what they had before."""
    contents = [
        Content(level, share, published)
        for level, share, published in itertools.product(LEVELS, SHARES, (True, False))
    ]
    order = [ANONYMOUS, CITIZEN, AGENCY, MEMBER, EDITOR]
    for content, purpose in itertools.product(contents, ("see", *READING, "manage")):
        answers = [decide(subject, content, purpose).allowed for subject in order]
        assert answers == sorted(answers)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("share", SHARES)
def test_a_grant_opens_its_own_axis_only(level, share):
    """6.1: what is closed stays closed to the public whatever was granted; 5.2: what is not shared
    stays with its agency."""
    citizen = replace(CITIZEN, grant=GRANT, grant_state="live")
    assert allowed(citizen, level=level, share_type=share) is (level != "closed")
    agency = replace(AGENCY, grant=SHARE_GRANT, grant_state="live")
    expected = level == "open" or share in ("conditional", "unconditional")
    assert allowed(agency, level=level, share_type=share) is expected
    left = replace(CITIZEN, grant=SHARE_GRANT, grant_state="live")
    assert allowed(left, level=level, share_type=share) is (level == "open")


@pytest.mark.parametrize("state", ["not_yet", "expired", "revoked", "used_up", "left_unit"])
@pytest.mark.parametrize("purpose", READING)
def test_a_grant_that_is_over_opens_nothing(state, purpose):
    """And the person learns that it is over, and how to ask again."""
    subject = replace(CITIZEN, grant=GRANT, grant_state=state)
    answer = decide(subject, Content("on_request"), purpose)
    assert (answer.allowed, answer.reason, answer.how) == (False, f"grant_{state}", "apply")


def test_a_counted_grant_gives_downloads_only():
    """A query or a preview would be a download that nobody counts."""
    grant = replace(GRANT, max_downloads=2)
    subject = replace(CITIZEN, grant=grant, grant_state="live")
    answers = {p: decide(subject, Content("on_request"), p).allowed for p in READING}
    assert answers == {"read": True, "preview": False, "query": False}


@pytest.mark.parametrize("administrator", [ABOVE, SYSADMIN])
def test_an_administrator_reads_with_a_stated_purpose_only(administrator):
    """And never by an API token, which anybody may hold."""
    content = Content("closed", "none")
    assert not decide(administrator, content, "read").allowed
    stated = decide(replace(administrator, stated=True), content, "read")
    assert (stated.allowed, stated.reason) == (True, "administrator")
    assert not decide(replace(administrator, stated=True, machine=True), content, "read").allowed


def test_a_stated_purpose_is_worth_nothing_to_others():
    """It takes an administrator's role, now."""
    for subject in (ANONYMOUS, CITIZEN, AGENCY):
        assert not allowed(replace(subject, stated=True), level="closed")
