"""The rules of requests as data."""

from __future__ import annotations

import pytest
import yaml

from ckanext.hljshare.deadlines import shipped
from ckanext.hljshare.requests import rules


def test_the_shipped_rules():
    """What a citizen is told: twenty a day, thirty open at once, a year of use."""
    found = rules.load()
    assert (found.max_per_day, found.max_open, found.grant_days) == (20, 30, 365)
    assert (found.title_max, found.text_max) == (200, 2000)
    assert {"CSV", "JSON", "XML", "XLSX", "RDF"} <= set(found.formats)
    assert set(found.applicant_kinds) == {"person", "legal_person", "organization"}
    assert found.attachments_bytes >= found.attachment_bytes >= 1024 * 1024


def test_only_consulting_a_third_party_stops_the_clock():
    """Clause 6.1 f has no other exception, and none without end."""
    reasons = rules.load().suspension_reasons
    assert list(reasons) == ["third_party"]
    limit = shipped.rules()["third_party"]
    assert (limit.length, limit.unit) == (15, "working")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"grant_days": 0}, "grant_days"),
        ({"grant_days": True}, "grant_days"),
        ({"grant_days": "365"}, "grant_days"),
        ({"suspension_reasons": {"other": "其他"}}, "rules.yaml"),
        ({"formats": ["CSV", "PAPYRUS"]}, "PAPYRUS"),
        ({"formats": []}, "format_type"),
        ({"formats": ["CSV", "CSV"]}, "format_type"),
        ({"applicant_kinds": {"person": {"en": "Citizen"}}}, "Chinese"),
        ({"limits": {"submissions_per_day": 10}}, "open_at_once"),
        ({"suspension_reasons": None}, "rules.yaml"),
    ],
)
def test_a_wrong_file_says_what_is_wrong(tmp_path, change, named):
    """A slip in the file stops the start; it does not lift a limit."""
    loaded = yaml.safe_load(rules.PATH.read_text("utf-8"))
    path = tmp_path / "rules.yaml"
    path.write_text(yaml.safe_dump({**loaded, **change}, allow_unicode=True), "utf-8")
    with pytest.raises(rules.RulesError, match=named):
        rules.load(path)
