"""The agreements' texts and versions."""

from __future__ import annotations

import hashlib
import re

import pytest

from ckanext.hljshare.requests import agreements


@pytest.mark.parametrize("kind", ["open", "share"])
def test_the_shipped_agreements(kind):
    """Each kind has one, in Chinese and in English, with the same articles in both."""
    found = agreements.current(kind)
    assert found.kind == kind
    assert found.title.startswith(("公共数据", "政务数据"))
    chinese = re.findall(r"^\*\*第.{1,3}条\*\*", found.text, re.MULTILINE)
    english = re.findall(r"^\*\*Article (\d+)\.\*\*", found.text_en, re.MULTILINE)
    assert [int(number) for number in english] == list(range(1, len(chinese) + 1))
    assert len(chinese) >= 13
    assert found.words("en")[1] == found.text_en
    assert found.words("zh_Hans_CN")[1] == found.text


# A published text is never edited. A new version gets a new line here.
PUBLISHED = {
    "open-2026-1": "a2124793d33442ff0f0b3c708b60dfc92088effe9ceac48c3c045103aaf959a2",
    "share-2026-1": "d66c759a639818ccdaa8e0bc60f84bd4dec6679622dea25c417a7dc682d86c4f",
}


def test_published_texts_do_not_change():
    """What people have accepted can be read for ever as they accepted it."""
    versions = [*agreements.versions_of("open"), *agreements.versions_of("share")]
    assert {version: agreements.by_version(version).sha256 for version in versions} == PUBLISHED


def test_the_newest_counts_and_old_ones_stay(tmp_path):
    """2026-10 is newer than 2026-9; the old text is still there."""
    for version, text in (("open-2026-9", "旧"), ("open-2026-10", "新"), ("open-2025-99", "更旧")):
        (tmp_path / f"{version}.md").write_text(f"# 标题\n\n{text}\n", "utf-8")
    (tmp_path / "notes.md").write_text("not an agreement", "utf-8")
    found = agreements.current("open", tmp_path)
    assert (found.version, found.text, found.title) == ("open-2026-10", "新", "标题")
    assert found.words("en") == ("标题", "新")
    assert agreements.by_version("open-2026-9", tmp_path).text == "旧"
    assert found.sha256 == hashlib.sha256("# 标题\n\n新\n".encode()).hexdigest()


@pytest.mark.parametrize(
    "version",
    ["", "open", "open-2026-99", "../rules", "open-2026-1.en", "open-2026-1\n", "x-2026-1"],
)
def test_what_is_no_version(version):
    """An address that somebody made up names no file."""
    with pytest.raises(agreements.UnknownAgreementError):
        agreements.by_version(version)


def test_an_unknown_kind_has_no_agreement():
    """Neither a slip nor a gap in the files lets a request through without one."""
    with pytest.raises(agreements.UnknownAgreementError):
        agreements.current("closed")
