"""Fill a template's @NAMES@ from the environment: `render.py TEMPLATE TARGET`.

The target is readable by its owner alone, and written only when it changes. A name that has no
value is an error, so that no server starts with a placeholder for a password.
"""

import os
import re
import sys
import urllib.parse
from pathlib import Path


def fill(text: str, values: dict[str, str]) -> str:
    """Replace each @NAME@ in `text`; raises KeyError for a name without a value."""
    return re.sub(r"@([A-Z_]+)@", lambda match: values[match[1]], text)


def main(template: Path, target: Path) -> None:
    """Write `target` from `template`."""
    values = dict(os.environ)
    values["ROOT_URL"] = urllib.parse.quote(values["ROOT"])
    if template.suffix == ".conf" and template.stem == "supervisord":
        # supervisor expands %(name)s in its settings.
        values = {key: value.replace("%", "%%") for key, value in values.items()}
    text = fill(template.read_text("utf-8"), values)
    if target.exists() and target.read_text("utf-8") == text:
        return
    target.touch(0o600)
    target.chmod(0o600)
    target.write_text(text, "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
