"""The committed style sheet is what its sources say, and keeps the promises of the look."""

import re

import pytest

from ckanext.hljshare.theme import build

CSS = build.RESULT.read_text(encoding="utf-8")


def test_the_committed_style_sheet_is_current():
    """Whoever changes a source compiles: python -m ckanext.hljshare.theme.build"""
    pytest.importorskip("sass")
    assert build.compile_css() == CSS


def test_the_style_sheet_loads_nothing_from_elsewhere():
    addresses = re.findall(r"url\(([^)]*)\)", CSS)
    assert all(address.strip("\"'").startswith("data:") for address in addresses)
    assert "@import" not in CSS
    assert "@font-face" not in CSS


def _tokens(block: str) -> dict[str, str]:
    return dict(
        re.findall(r"--([a-z]+-\d+|ink-\d+|paper|snow|on-river):\s*(#[0-9a-f]{3,6})", block)
    )


def _luminance(color: str) -> float:
    digits = color.lstrip("#")
    if len(digits) == 3:
        digits = "".join(2 * digit for digit in digits)
    channels = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


LIGHT = _tokens(CSS[CSS.index("--river-900") : CSS.index("@media (prefers-color-scheme: dark)")])
DARK = LIGHT | _tokens(CSS[CSS.index("@media (prefers-color-scheme: dark)") :].split("}}", 1)[0])


@pytest.mark.parametrize("mode", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("text", "ground"),
    [
        ("ink-900", "paper"),
        ("ink-700", "paper"),
        ("ink-500", "paper"),
        ("ink-500", "snow"),
        ("river-700", "paper"),
        ("river-700", "snow"),
        ("river-700", "river-100"),
        ("on-river", "river-700"),
        ("on-river", "river-600"),
        ("pine-700", "pine-100"),
        ("wheat-700", "wheat-100"),
        ("brick-700", "brick-100"),
        ("ink-900", "wheat-100"),
        ("ink-900", "brick-100"),
        ("ink-900", "pine-100"),
        ("ink-900", "river-100"),
    ],
)
def test_text_can_be_read_in_light_and_dark(mode, text, ground):
    """WCAG AA: 4.5 to 1."""
    assert _contrast(mode[text], mode[ground]) >= 4.5
