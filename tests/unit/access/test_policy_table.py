"""The policy that people read is the policy that decides."""

from pathlib import Path

from ckanext.hljshare.access import policy_table

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "access.md"


def test_the_documents_table_is_what_the_policy_answers():
    """Regenerate it with `python -m ckanext.hljshare.access.policy_table docs/access.md`."""
    text = DOCUMENT.read_text("utf-8")
    assert policy_table.written_into(text) == text


def test_every_kind_of_subject_and_content_stands_in_the_table():
    """A row for each subject, a cell for each content, none of them empty."""
    rows = policy_table.table().splitlines()[2:]
    assert len(rows) == len(policy_table.SUBJECTS)
    for row in rows:
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        assert len(cells) == len(policy_table.CONTENTS) + 1
        assert all(cells)
