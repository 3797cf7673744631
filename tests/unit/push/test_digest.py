"""The tree finds exactly what both sides hold differently."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckanext.hljshare.push import digest
from ckanext.hljshare.push.digest import Tree

HELD = st.dictionaries(
    st.text(min_size=1, max_size=12).filter(lambda text: text.isprintable()),
    st.sampled_from(["a" * 40, "b" * 40, "c" * 40]),
    max_size=40,
)


def found(mine, theirs):
    """The ids that a reconciliation by leaves brings up."""
    leaves = digest.tree_of(mine).differing(digest.tree_of(theirs))
    near = {key for key in mine | theirs if digest.leaf_of(key) in leaves}
    return {key for key in near if mine.get(key) != theirs.get(key)}


@given(HELD, HELD)
def test_the_difference_found_is_the_real_one(mine, theirs):
    """Nothing is missed, whatever both sides hold."""
    real = {key for key in mine | theirs if mine.get(key) != theirs.get(key)}
    assert found(mine, theirs) == real
    same = digest.tree_of(mine).root == digest.tree_of(theirs).root
    assert same == (mine == theirs)


@given(HELD, st.data())
def test_one_change_touches_one_leaf(held, data):
    """So that little has to be sent to find it."""
    key = data.draw(st.sampled_from(sorted(held))) if held else "neu"
    changed = {**held, key: "d" * 40}
    leaves = digest.tree_of(held).differing(digest.tree_of(changed))
    assert leaves == [digest.leaf_of(key)]


@given(HELD)
def test_a_tree_survives_its_journey(held):
    """As JSON there and back."""
    tree = digest.tree_of(held)
    again = Tree.from_dict(tree.as_dict())
    assert (again.root, again.count) == (tree.root, len(held))


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"buckets": []},
        {"root": "x", "buckets": {}},
        {"root": "x", "buckets": {"zz": {"digest": "a" * 40, "count": 1}}},
        {"root": "x", "buckets": {"00": {"digest": "a", "count": 1}}},
        {"root": "x", "buckets": {"00": {"digest": "a" * 40, "count": "1"}}},
        {"root": "x", "buckets": {"00": 5}},
    ],
)
def test_a_tree_that_is_none_is_refused(sent):
    """An answer is not believed for its looks."""
    with pytest.raises(ValueError):
        Tree.from_dict(sent)


def test_the_digests_are_those_that_the_document_promises():
    """Worked by hand, as a city's programmer would."""
    leaf = hashlib.blake2b("编号1".encode(), digest_size=20).digest()[0]
    lines = hashlib.blake2b(f"编号1\n{'a' * 40}\n".encode(), digest_size=20)
    empty = hashlib.blake2b(digest_size=20).digest()
    root = hashlib.blake2b(digest_size=20)
    for number in range(256):
        root.update(lines.digest() if number == leaf else empty)
    tree = digest.tree_of({"编号1": "a" * 40})
    assert tree.leaves[leaf] == (lines.hexdigest(), 1)
    assert tree.root == root.hexdigest()


def test_unsorted_entries_are_refused():
    """A tree of them would be another one."""
    with pytest.raises(ValueError, match="not sorted"):
        digest.tree_of_sorted([(1, "a", "x"), (0, "b", "x")])


SHA = hashlib.sha256(b"x").digest()


def test_content_digest_there_and_back():
    """RFC 9530; other algorithms beside it are left out."""
    header = digest.content_digest(SHA)
    assert digest.parse_content_digest(header) == SHA
    assert digest.parse_content_digest(f"sha-512=:AAAA:, {header}") == SHA


@pytest.mark.parametrize(
    "header",
    ["", "sha-256", "sha-256=abc", "sha-256=:abc:", "sha-256=:AAAA:", "sha-512=:AAAA:", "=:AA==:"],
)
def test_what_holds_no_sha_256(header):
    """Nothing is read into it."""
    assert digest.parse_content_digest(header) is None
