"""The province and a city as processes of their own: a server that can be killed, and a second
portal, in a schema of its own of the same database, that does what it is told."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

import sqlalchemy as sa

ROOT = Path(__file__).resolve().parents[3]
SCHEMA = "city_portal"


def ini() -> Path:
    return Path(os.environ["PORTAL_TEST_INI"])


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def environment(**more: str) -> dict[str, str]:
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    return {**os.environ, "PYTHONPATH": path, **more}


class Server:
    """The province, served by gunicorn with one process and a few threads."""

    def __init__(self, offset_days: float = 0) -> None:
        self.port, self.offset = free_port(), offset_days
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None
        self._log = tempfile.NamedTemporaryFile(suffix=".log")  # noqa: SIM115

    def start(self) -> Server:
        """Start it, where it does not run already; it answers then."""
        if self._process is not None:
            return self
        command = [
            sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{self.port}", "--threads", "4",
            "--workers", "1", "--timeout", "0", "tests.integration.push.wsgi:application",
        ]  # fmt: skip
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment(CKAN_INI=str(ini()), CLOCK_OFFSET_DAYS=str(self.offset)),
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
        )
        until = time.monotonic() + 90
        while True:
            with (
                contextlib.suppress(OSError),
                urllib.request.urlopen(f"{self.url}/push/v1/openapi.json", timeout=5) as answer,
            ):
                assert answer.status == 200
                return self
            if time.monotonic() > until or self._process.poll() is not None:
                raise RuntimeError(Path(self._log.name).read_text()[-3000:])
            time.sleep(0.2)

    def kill(self) -> None:
        """All of it, at once, as when the power goes."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None


class City:
    """The second portal: a process that answers one line of JSON for each it gets."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory()
        target = Path(self._folder.name) / "city.ini"
        target.write_text(second_ini(), encoding="utf-8")
        ckan = Path(sys.executable).with_name("ckan")
        for arguments in (["db", "init"], ["db", "pending-migrations", "--apply"]):
            subprocess.run(
                [ckan, "-c", target, *arguments],
                env=environment(), check=True, capture_output=True,
            )  # fmt: skip
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.integration.push.city"],
            cwd=ROOT,
            env=environment(CKAN_INI=str(target)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def do(self, what: str, **values: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": what, **values}) + "\n")
        self._process.stdin.flush()
        for line in self._process.stdout:
            if line.startswith("answer: "):
                answer = json.loads(line.removeprefix("answer: "))
                assert "error" not in answer, answer["error"]
                return answer["result"]
        raise RuntimeError("the city's process has ended")

    def push(self, *arguments: str, clock: float = 0) -> tuple[int, dict[str, Any] | None, str]:
        """Exit code, the JSON in the last line, and all words of `hljshare push …`."""
        code, output = self.do("cli", arguments=["run", *arguments], clock=clock)
        lines = [line for line in output.splitlines() if line.startswith("{")]
        return code, json.loads(lines[-1]) if lines else None, output

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        self._folder.cleanup()


def second_ini() -> str:
    """The settings of the second portal: the first one's, with another schema and another name."""
    text = ini().read_text(encoding="utf-8")
    address = re.search(r"^sqlalchemy\.url = (.*)$", text, re.MULTILINE)
    name = re.search(r"^ckan\.site_id = (.*)$", text, re.MULTILINE)
    assert address is not None
    assert name is not None
    engine = sa.create_engine(address.group(1))
    with engine.begin() as connection:
        connection.execute(sa.text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
    engine.dispose()
    text = text.replace(
        address.group(0), f"{address.group(0)}?options=-csearch_path={SCHEMA}"
    ).replace(name.group(0), f"{name.group(0)}city")
    return text.replace("http://test.ckan.net", "http://city.example.gov.cn")
