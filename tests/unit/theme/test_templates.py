"""Rules that every template of the theme keeps."""

import re
from pathlib import Path

import pytest

from ckanext.hljshare.catalog import codelists
from ckanext.hljshare.theme import build, icons

TEMPLATES = Path(build.__file__).parent / "templates"
FILES = sorted(TEMPLATES.rglob("*.html"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(TEMPLATES)))
def test_a_template_loads_nothing_from_elsewhere_and_speaks_by_the_catalog(path):
    text = path.read_text(encoding="utf-8")
    assert not re.search(r'(src|srcset)="https?:', text)
    assert re.findall(r"<script(?! type=.application/ld\+json)", text) == []
    # Words stand in the catalog; what is Chinese in a template is an example to search for.
    bare = re.sub(r"\{#.*?#\}|\{\{.*?\}\}|\{%.*?%\}|<pre.*?</pre>", "", text, flags=re.S)
    assert not re.search(r"[\u4e00-\u9fff]", bare)


def test_every_theme_has_an_icon_of_its_own():
    themes = codelists.codes("theme")
    assert all(theme in icons.PATHS for theme in themes)
    assert len({icons.PATHS[theme] for theme in themes}) == len(themes)
