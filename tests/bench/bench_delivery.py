"""A big file by the portal's one door, beside the same server sending it as a plain file.

One gunicorn serves the portal on the bench's own database, another one a bare WSGI application that
hands the same file to the server (`wsgi.file_wrapper`, sendfile). Where nginx is installed, it is
measured too: its own static speed, and the portal behind it with X-Accel-Redirect. The ratio of
the medians is what counts, and how much more memory the portal's processes hold afterwards.
`./portal bench` runs it; PORTAL_BENCH_MB sets the size (1024).
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[2]
SIZE = int(os.environ.get("PORTAL_BENCH_MB", "1024")) << 20
ROUNDS = 5
DOCUMENT = ROOT / "docs" / "speed.md"
MARKS = ("<!-- delivery -->", "<!-- /delivery -->")
LEAST = 0.8
MOST_MB = 50

BARE = """
import os
def application(environ, start_response):
    file = open(os.environ["BENCH_FILE"], "rb")
    size = os.fstat(file.fileno()).st_size
    start_response("200 OK", [("Content-Length", str(size)), ("Content-Type", "text/plain")])
    return environ["wsgi.file_wrapper"](file, 1 << 20)
"""
NGINX = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log off; sendfile on; tcp_nopush on;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{
    listen 127.0.0.1:{port};
    location /static/ {{ alias {file_folder}/; }}
    location /_protected/ {{ internal; alias {storage}/; }}
    location / {{ proxy_pass http://127.0.0.1:{app}; proxy_max_temp_file_size 0; }}
  }}
}}
"""


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def fetch(port: int, path: str, token: str = "") -> tuple[int, int, float]:
    """Return status, bytes and seconds of one GET, read as fast as the socket gives it."""
    head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n"
    head += f"Authorization: {token}\r\n\r\n" if token else "\r\n"
    buffer = bytearray(4 << 20)
    began = time.perf_counter()
    with socket.create_connection(("127.0.0.1", port), timeout=120) as connection:
        connection.sendall(head.encode())
        first = bytearray()
        while b"\r\n\r\n" not in first:
            first += connection.recv(65536)
        size = len(first) - first.index(b"\r\n\r\n") - 4
        while count := connection.recv_into(buffer):
            size += count
    return int(first.split(b" ", 2)[1]), size, time.perf_counter() - began


@contextmanager
def running(arguments: list[str], port: int, **environment: str) -> Iterator[int]:
    """Run a server until it is no longer needed; yields its process id."""
    process = subprocess.Popen(
        arguments, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=sys.stderr
    )
    try:
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def gunicorn(target: str, port: int) -> list[str]:
    """Return the command that serves an application as the portal does, with one process."""
    command = [str(Path(sys.executable).with_name("gunicorn")), "-c", "config/gunicorn.py"]
    return [*command, "--workers", "1", "--bind", f"127.0.0.1:{port}", target]


def memory(pid: int) -> float:
    """Return the peak resident memory of a process and its children, in MB."""
    pids = [pid]
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    pids += [int(child) for child in children]
    total = 0
    for one in pids:
        for line in Path(f"/proc/{one}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                total += int(line.split()[1])
    return total / 1024


def fill(ini: Path, source: Path) -> dict[str, str]:
    """Make an open and a restricted file of the bench's size, and a grant on the latter."""
    import ckan.plugins as p
    from ckan import model
    from ckan.cli import CKANConfigLoader
    from ckan.cli.db import _run_migrations
    from ckan.config.middleware import make_app
    from ckan.tests import factories, helpers

    app = make_app(CKANConfigLoader(str(ini)).get_config())
    from ckanext.hljshare.access import stored

    made: dict[str, str] = {}
    with app._wsgi_app.test_request_context("/"):
        model.repo.upgrade_db()
        ours = ROOT / "ckanext-hljshare" / "ckanext" / "hljshare" / "migration"
        for plugin in ["harvest", *sorted(path.name for path in ours.glob("hljshare_*"))]:
            if p.plugin_loaded(plugin):
                _run_migrations(plugin, "head", True)
        model.repo.tables_created_and_initialised = True
        helpers.reset_db()
        agency = factories.Organization(name="bench", title="测速单位", level="agency")
        site = {"user": helpers.call_action("get_site_user")["name"], "ignore_auth": True}
        for level in ("open", "on_request"):
            dataset = helpers.call_action(
                "package_create",
                site,
                name=f"bench-{level.replace('_', '-')}",
                title=f"大文件{level}",
                notes="用于测量下载速度的文件。",
                owner_org=agency["id"],
                open_type=level,
                share_type="conditional",
                share_condition="测试",
                open_condition="测试",
                open_basis=[{"law": "数据安全法", "article": "第三十八条"}],
                update_cycle="never",
                secrecy_review="测试 2026-01-05",
                resources=[{"name": "大文件", "url": "file.bin", "url_type": "upload"}],
            )
            file = dataset["resources"][0]["id"]
            target = stored.place(file, private=level != "open")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)
            os.link(source, target)
            made[level] = f"/dataset/{dataset['name']}/resource/{file}/download"
            made[f"{level} file"] = str(target)
        holder = factories.UserWithToken()
        helpers.call_action(
            "hljshare_grant_create",
            site,
            user=holder["name"],
            dataset="bench-on-request",
            purpose="测速",
            not_after="2199-01-01",
        )
        made["token"] = holder["token"]
        made["storage"] = str(stored.private_root().parent)
        model.Session.commit()
    return made


def granted(port: int, made: dict[str, str]) -> str:
    """Return the address with a ticket to which the door sends the grant's holder."""
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", made["on_request"], headers={"Authorization": made["token"]})
    answer = connection.getresponse()
    location = urlsplit(answer.headers["Location"])
    connection.close()
    return f"{location.path}?{location.query}"


def timed(port: int, path: str, token: str = "") -> float:
    """Return the seconds of one whole download; anything else is an error."""
    status, size, seconds = fetch(port, path, token)
    assert (status, size) == (200, SIZE), (path, status, size)
    return seconds


def measure(ini: Path, folder: Path) -> tuple[list[str], bool]:
    """Return the table's lines, and whether the promise holds."""
    source = folder / "big.bin"
    with source.open("wb") as file:
        block = os.urandom(1 << 20)
        for _ in range(SIZE >> 20):
            file.write(block)
    # The storage must be on the same disk for the link; the bench's own folder is below it.
    made = fill(ini, source)
    (folder / "bare.py").write_text(BARE)
    bare, app, web = free_port(), free_port(), free_port()
    plain, through_open, through_grant, rows = [], [], [], []
    with (
        running(
            [*gunicorn("bare:application", bare), "--pythonpath", str(folder)],
            bare,
            PORTAL_BIND=f"127.0.0.1:{bare}",
            BENCH_FILE=str(source),
        ),
        running(
            gunicorn("config.wsgi:application", app),
            app,
            PORTAL_BIND=f"127.0.0.1:{app}",
            CKAN_INI=str(ini),
            PYTHONPATH=str(ROOT),
        ) as pid,
    ):
        granted(app, made)  # the first answer loads what the first answer loads
        before = memory(pid)
        for _ in range(ROUNDS):
            plain.append(timed(bare, "/"))
            through_open.append(timed(app, made["open"]))
            through_grant.append(timed(app, granted(app, made), made["token"]))
        grown = memory(pid) - before
    base = statistics.median(plain)
    speeds = {
        "application server, plain file": base,
        "open file": statistics.median(through_open),
        "file under a grant (counted, logged, watched)": statistics.median(through_grant),
    }
    for title, seconds in speeds.items():
        rows.append(f"| {title} | {SIZE / seconds / 1e6:,.0f} | {base / seconds:.2f} |")
    good = min(base / seconds for seconds in speeds.values()) >= LEAST and grown < MOST_MB
    rows.append(f"| more memory at its peak | {grown:.0f} MB | |")
    return rows + behind_nginx(ini, folder, made, web, source), good


def behind_nginx(
    ini: Path, folder: Path, made: dict[str, str], web: int, source: Path
) -> list[str]:
    """Return the lines with nginx in front; none where it is not installed."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if not program:
        return []
    app = free_port()
    settings = folder / "nginx.conf"
    settings.write_text(
        NGINX.format(folder=folder, port=web, app=app, file_folder=folder, storage=made["storage"])
    )
    accelerated = folder / "accel.ini"
    accelerated.touch(0o600)
    accelerated.write_text(
        f"[app:main]\nuse = config:{ini}\nhljshare.delivery.x_accel = /_protected\n"
        f"hljshare.private_storage_path = {made['storage']}/private\n"
    )
    os.chmod(folder, 0o755)  # nginx reads as another user
    static, accel, grant = [], [], []
    with (
        running(
            gunicorn("config.wsgi:application", app),
            app,
            PORTAL_BIND=f"127.0.0.1:{app}",
            CKAN_INI=str(accelerated),
            PYTHONPATH=str(ROOT),
        ),
        running([program, "-c", str(settings), "-g", "user root;"], web),
    ):
        granted(web, made)
        for _ in range(ROUNDS):
            static.append(timed(web, f"/static/{source.name}"))
            accel.append(timed(web, made["open"]))
            grant.append(timed(web, granted(web, made), made["token"]))
    base = statistics.median(static)
    titles = ("nginx, static file", "open file, X-Accel-Redirect", "under a grant, through nginx")
    return [
        f"| {title} | {SIZE / seconds / 1e6:,.0f} | {base / seconds:.2f} |"
        for title, seconds in zip(
            titles, map(statistics.median, (static, accel, grant)), strict=True
        )
    ]


def main() -> int:
    """Measure, print, and with --write put the table into docs/speed.md."""
    ini = Path(os.environ["PORTAL_TEST_INI"])
    os.chdir(ROOT)
    with tempfile.TemporaryDirectory(dir=os.environ["PORTAL_RUN"]) as name:
        rows, good = measure(ini, Path(name))
    table = "\n".join([f"| file of {SIZE >> 20} MB | MB/s | of plain |", "|---|---:|---:|", *rows])
    print(table)
    if "--write" in sys.argv:
        text = DOCUMENT.read_text("utf-8")
        before, after = text.split(MARKS[0])[0], text.split(MARKS[1])[1]
        DOCUMENT.write_text(f"{before}{MARKS[0]}\n{table}\n{MARKS[1]}{after}", "utf-8")
    return 0 if good else 1


if __name__ == "__main__":
    sys.path[:0] = [str(ROOT), str(ROOT / "ckanext-hljshare")]
    sys.exit(main())
