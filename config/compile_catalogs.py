"""Compile the message catalogs (.po to .mo), which are not kept in the repository."""

from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

PACKAGE = Path(__file__).resolve().parents[1] / "ckanext-hljshare"


def main() -> None:
    """Write a .mo beside each .po of the extension."""
    for po in sorted(PACKAGE.rglob("*.po")):
        fresh = po.with_suffix(".new")
        with po.open("rb") as source, fresh.open("wb") as target:
            write_mo(target, read_po(source, locale=po.parents[1].name))
        fresh.replace(po.with_suffix(".mo"))  # a running server reads the old file to its end


if __name__ == "__main__":
    main()
