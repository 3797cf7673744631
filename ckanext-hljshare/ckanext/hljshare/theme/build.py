"""Compiles the style sheet: `python -m ckanext.hljshare.theme.build` writes `assets/theme.css`.

The sources in `assets/scss/` stand on the Bootstrap sources inside the installed CKAN. The result
is committed, so that a server needs no Sass; a test proves that it is current.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

ASSETS = Path(__file__).resolve().parent / "assets"
SOURCE = ASSETS / "scss" / "theme.scss"
RESULT = ASSETS / "theme.css"


def ckan_scss() -> Path:
    """The Sass folder of the installed CKAN; its sibling `vendor/` holds Bootstrap."""
    spec = importlib.util.find_spec("ckan")
    if spec is None or spec.origin is None:
        raise RuntimeError("CKAN is not installed; Bootstrap's sources come with it.")
    return Path(spec.origin).parent / "public" / "base" / "scss"


def compile_css() -> str:
    """The style sheet as text, compressed; raises `sass.CompileError` where the source is wrong."""
    import sass  # only for developers: not installed on servers

    css: str = sass.compile(
        filename=str(SOURCE), include_paths=[str(ckan_scss())], output_style="compressed"
    )
    return css.lstrip("\ufeff").strip() + "\n"


def main() -> int:
    """Writes the style sheet and says how large it is."""
    css = compile_css()
    RESULT.write_text(css, encoding="utf-8")
    sys.stdout.write(f"{RESULT}: {len(css.encode()) / 1024:.0f} KiB\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
