"""The launcher: valid POSIX sh, no placeholder for a secret, clear words for what is wrong."""

import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from ckanext.hljshare.safety.sealed import parse_keys

ROOT = Path(__file__).resolve().parents[3]
PORTAL = ROOT / "portal"


def render(template: str, tmp_path: Path, **values: str) -> Path:
    source, target = tmp_path / "template.conf", tmp_path / "target.conf"
    source.write_text(template)
    subprocess.run(
        [sys.executable, ROOT / "config" / "render.py", source, target],
        env={**os.environ, "ROOT": "/srv/with space", **values},
        check=True,
        capture_output=True,
    )
    return target


def portal(*arguments: str, home: Path, **values: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        ["sh", PORTAL, *arguments],
        env={**os.environ, "PORTAL_HOME": str(home), **values},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_launcher_is_valid_sh():
    """No shell but sh is needed."""
    assert subprocess.run(["sh", "-n", PORTAL], check=False).returncode == 0


def test_settings_are_readable_by_their_owner_alone(tmp_path):
    """Rendered settings hold secrets."""
    target = render("password = @WORD@", tmp_path, WORD="x" * 32)
    assert target.read_text() == "password = " + "x" * 32
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


def test_a_value_that_is_missing_is_an_error(tmp_path):
    """No server starts with a placeholder for a password."""
    with pytest.raises(subprocess.CalledProcessError):
        render("password = @NO_SUCH_WORD@", tmp_path)


def test_every_marked_value_of_the_templates_is_known_to_the_launcher():
    """A template cannot ask for a value that the launcher does not give."""
    launcher = PORTAL.read_text()
    for template in ("ckan.ini", "test.ini", "redis.conf", "supervisord.conf"):
        for name in re.findall(r"@([A-Z_]+)@", (ROOT / "config" / template).read_text()):
            assert name == "ROOT_URL" or f"{name}=" in launcher, f"{template}: {name}"


@pytest.mark.parametrize("command", ["status", "demo", "logs"])
def test_before_the_first_start_it_says_what_to_do(tmp_path, command):
    """Not a stack trace: the next command to type."""
    result = portal(command, home=tmp_path / "home with space")
    assert result.returncode != 0
    assert "./portal up" in result.stderr + result.stdout


def test_an_unknown_command_shows_the_known_ones(tmp_path):
    """Help instead of silence."""
    result = portal("updo", home=tmp_path)
    assert result.returncode != 0
    assert "./portal up" in result.stderr


def test_a_short_secret_stops_it(tmp_path):
    """It refuses to serve with a default or short secret."""
    home = tmp_path / "home"
    (home / "venv").mkdir(parents=True)
    (home / "ports").write_text("PORT=5000\nPG_PORT=1\nREDIS_PORT=2\nSOLR_PORT=3\nDEMO_PORT=4\n")
    (home / "secrets").write_text("SECRET_KEY=changeme\n")
    result = portal("status", home=home)
    assert result.returncode != 0
    assert "SECRET_KEY" in result.stderr
    assert "changeme" not in result.stderr


def test_the_key_of_the_encryption_is_made_once_and_never_shown(tmp_path):
    """Readable by its owner alone; made anew it would open nothing of what is there."""
    home = tmp_path / "home"
    (home / "venv").mkdir(parents=True)
    (home / "ports").write_text("PORT=5000\nPG_PORT=1\nREDIS_PORT=2\nSOLR_PORT=3\nDEMO_PORT=4\n")
    names = ("SECRET_KEY", "CSRF_KEY", "TOKEN_KEY", "DB_PASSWORD", "DB_RO_PASSWORD", "PG_PASSWORD")
    values = [f"{name}={'x' * 40}" for name in (*names, "REDIS_PASSWORD", "DEMO_KEY")]
    (home / "secrets").write_text("\n".join(values) + "\n")
    keys = home / "sealing.keys"
    first = portal("status", home=home)
    made = keys.read_text()
    keys.chmod(0o644)
    second = portal("status", home=home)
    assert len(parse_keys(made)) == 1
    assert keys.read_text() == made
    assert stat.S_IMODE(keys.stat().st_mode) == 0o600
    for result in (first, second):
        assert made.strip() not in result.stdout + result.stderr
