"""The access policy: who may do what, and what the refused are told."""

import itertools

import pytest

from ckanext.hljshare.access.policy import ANONYMOUS, Content, Subject, decide

CITIZEN = Subject(signed_in=True)
AGENCY = Subject(signed_in=True, government=True)
MEMBER = Subject(signed_in=True, government=True, owner_role="member")
EDITOR = Subject(signed_in=True, government=True, owner_role="editor")
SYSADMIN = Subject(signed_in=True, sysadmin=True)

READING = ("read", "preview", "query")


def allowed(subject, purpose="read", **content):
    return decide(subject, Content(**content), purpose).allowed


@pytest.mark.parametrize("subject", [ANONYMOUS, CITIZEN, AGENCY, MEMBER, EDITOR, SYSADMIN])
@pytest.mark.parametrize("purpose", READING)
def test_open_content_is_for_everybody(subject, purpose):
    """6.1 d: unconditionally open data is obtained directly, without signing in."""
    assert allowed(subject, purpose, level="open")


@pytest.mark.parametrize("level", ["open", "on_request", "closed"])
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
    """A held dataset is seen by its own agency's people and by nobody else."""
    assert not allowed(subject, purpose, level="open", published=False)


def test_withdrawn_content_is_gone_for_all_but_the_page():
    """5.2 c: of withdrawn data a page remains, no content."""
    for subject in (ANONYMOUS, AGENCY, EDITOR, SYSADMIN):
        assert not allowed(subject, "read", level="open", withdrawn=True)
        assert allowed(subject, "see", level="open", withdrawn=True)


def test_only_editors_manage():
    """Members read; editors, administrators and the system administrator manage."""
    assert [allowed(s, "manage", level="open") for s in (ANONYMOUS, CITIZEN, AGENCY, MEMBER)] == [
        False
    ] * 4
    assert allowed(EDITOR, "manage", level="open")
    assert allowed(SYSADMIN, "manage", level="open")


def test_more_rights_never_take_access_away():
    """Whoever gains a role keeps what they had before."""
    contents = [
        Content(level, share, published)
        for level, share, published in itertools.product(
            ("open", "on_request", "closed"), ("unconditional", "conditional", None), (True, False)
        )
    ]
    order = [ANONYMOUS, CITIZEN, AGENCY, MEMBER, EDITOR]
    for content, purpose in itertools.product(contents, ("see", *READING, "manage")):
        answers = [decide(subject, content, purpose).allowed for subject in order]
        assert answers == sorted(answers)
