"""Compile the message catalogs (.po to .mo), which are not kept in the repository."""

from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

PACKAGE = Path(__file__).resolve().parents[1] / "ckanext-hljshare"


def main() -> None:
    """Write a .mo beside each .po of the extension."""
    for po in sorted(PACKAGE.rglob("*.po")):
        with po.open("rb") as source, po.with_suffix(".mo").open("wb") as target:
            write_mo(target, read_po(source, locale=po.parents[1].name))


if __name__ == "__main__":
    main()
