"""What the national catalog list costs at 100,000 entries: seconds and memory of each format.

One dataset made by CKAN's action is copied by SQL in the bench's own database. Each format is asked
for in a process of its own, which reads it to the end as a server would send it; its peak memory is
set beside what the same process takes to start and answer a list of one entry.
`./portal bench feeds_list` runs it; PORTAL_BENCH_DATASETS sets how many.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
COUNT = int(os.environ.get("PORTAL_BENCH_DATASETS", "100000"))
ENDINGS = ("xlsx", "csv", "json", "xml")
SECONDS, MEGABYTES = 60.0, 300.0  # of the whole process, CKAN included
DOCUMENT = ROOT / "docs" / "speed.md"
MARKS = ("<!-- list -->", "<!-- /list -->")
FEW = "?city=230600"  # one entry of another city

COPY = """
INSERT INTO package (id, name, title, notes, owner_org, state, private, type, license_id,
    metadata_created, metadata_modified, creator_user_id, extras)
SELECT gen_random_uuid()::text, 'bench-' || n, title || n, notes || n, owner_org, state, private,
    type, license_id, metadata_created + n * interval '1 second', metadata_modified,
    creator_user_id, extras || jsonb_build_object(
        'resource_code', '3070230100001/' || n,
        'open_type', (ARRAY['open', 'open', 'on_request', 'closed'])[1 + n % 4])
FROM package, generate_series(1, :count) n WHERE name = 'bench-0'
"""
TAGS = """
WITH tags AS MATERIALIZED (SELECT t.tag_id FROM package_tag t JOIN package o ON o.id = t.package_id
    WHERE o.name = 'bench-0')
INSERT INTO package_tag (id, package_id, tag_id, state)
SELECT gen_random_uuid()::text, p.id, tags.tag_id, 'active'
FROM package p, tags WHERE p.name LIKE 'bench-%' AND p.name <> 'bench-0'
"""


def application(ini: Path) -> Any:
    """Return the portal as a Flask application."""
    from ckan.cli import CKANConfigLoader
    from ckan.config.middleware import make_app

    return make_app(CKANConfigLoader(str(ini)).get_config())._wsgi_app


def fill(ini: Path) -> None:
    """Make `COUNT` public entries of one city, and one of another."""
    import ckan.plugins as p
    import sqlalchemy as sa
    from ckan import model
    from ckan.cli.db import _run_migrations
    from ckan.tests import factories, helpers

    from ckanext.hljshare.feeds.entries import store

    with application(ini).test_request_context("/"):
        model.repo.upgrade_db()
        ours = ROOT / "ckanext-hljshare" / "ckanext" / "hljshare" / "migration"
        for plugin in ["harvest", *sorted(path.name for path in ours.glob("hljshare_*"))]:
            if p.plugin_loaded(plugin):
                _run_migrations(plugin, "head", True)
        model.repo.tables_created_and_initialised = True
        helpers.reset_db()
        agency = factories.Organization(name="bench", title="测速单位", level="agency")
        site = {"user": helpers.call_action("get_site_user")["name"], "ignore_auth": True}
        for name, region in (("bench-0", "230100"), ("other", "230600")):
            helpers.call_action(
                "package_create",
                site,
                name=name,
                title=f"哈尔滨市公交线路客流统计信息{name}",
                notes="提供全市公交线路的起点、终点、票价和运营时间，包括线路名称、首末班时间等信息。"
                * 2,
                owner_org=agency["id"],
                region_code=region,
                open_type="on_request",
                open_condition="仅限科研院校和规划设计单位申请，须通过安全评估，成果发布前报提供方审核",
                open_basis=[{"law": "中华人民共和国数据安全法", "article": "第三十八条"}] * 2,
                share_type="conditional",
                share_condition="用于城市交通规划与信号优化，不得还原单次出行",
                share_mode="platform_file",
                format_class="2",
                format_type="CSV",
                items=[
                    {"name": f"信息项名称{number}", "field": f"field_{number}", "data_type": "C"}
                    for number in range(8)
                ],
                update_cycle="monthly",
                released="2024-01-24",
                data_updated="2026-11-20",
                theme="transport",
                industry="G",
                contact_name="信息中心",
                contact_phone="0451-12345",
                provider_inner="信息中心",
                secrecy_review="测试 2026-01-05",
                tags=[{"name": name} for name in ("公交", "线路", "客流")],
            )
        with model.meta.engine.begin() as connection:
            connection.execute(sa.text(COPY), {"count": COUNT - 1})
            connection.execute(sa.text(TAGS))
        store.settle()
        with model.meta.engine.connect().execution_options(
            isolation_level="AUTOCOMMIT"
        ) as connection:
            connection.execute(sa.text("VACUUM ANALYZE"))


def ask(ini: Path, address: str) -> None:
    """Child process: answer one request; say bytes, seconds to the first of them and to the last,
    seconds of the processor, and the peak of the process in megabytes."""
    client = application(ini).test_client()
    client.get(f"/catalog-list.csv{FEW}").get_data()  # what is made once
    began, worked = time.perf_counter(), time.process_time()
    response = client.get(address, buffered=False)
    assert response.status_code == 200, response.status_code
    size, first = 0, 0.0
    for chunk in response.iter_encoded():
        first = first or time.perf_counter() - began
        size += len(chunk)
    response.close()
    spent, worked = time.perf_counter() - began, time.process_time() - worked
    # Not ru_maxrss: a child begins with its parent's.
    status = Path("/proc/self/status").read_text("utf-8")
    peak = int(status.split("VmHWM:")[1].split()[0]) / 1024
    print(json.dumps([size, first, spent, worked, peak]))


def measured(ini: Path, address: str) -> list[float]:
    """Return what :func:`ask` says, in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, "--ask", str(ini), address],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stderr[-4000:])
    return list(json.loads(done.stdout.splitlines()[-1]))


def page_time(ini: Path) -> float:
    """Return the milliseconds of the page with its first entries, the best of ten."""
    client = application(ini).test_client()
    times = []
    for _ in range(10):
        began = time.perf_counter()
        assert client.get("/catalog-list").status_code == 200
        times.append((time.perf_counter() - began) * 1000)
    return min(times)


def main() -> int:
    """Measure, print, and with --write put the table into docs/speed.md."""
    ini = Path(os.environ["PORTAL_TEST_INI"])
    fill(ini)
    lines, worst = [], (0.0, 0.0)
    for ending in ENDINGS:
        base = measured(ini, f"/catalog-list.{ending}{FEW}")[-1]
        size, first, spent, worked, peak = measured(ini, f"/catalog-list.{ending}")
        worst = max(worst[0], spent), max(worst[1], peak)
        lines.append(
            f"| {ending.upper()} | {size / 1e6:.0f} MB | {first:.1f} s | {spent:.1f} s "
            f"| {worked:.1f} s | {peak:.0f} MB | {peak - base:+.0f} MB |"
        )
    page = page_time(ini)
    table = "\n".join(
        [
            f"| {COUNT:,} entries | size | first byte | all | processor | peak | beside one |",
            "|---|---:|---:|---:|---:|---:|---:|",
            *lines,
            f"| page of 50 | | | {page:.0f} ms | | | |",
        ]
    )
    print(table)
    if "--write" in sys.argv:
        text = DOCUMENT.read_text("utf-8")
        before, after = text.split(MARKS[0])[0], text.split(MARKS[1])[1]
        DOCUMENT.write_text(f"{before}{MARKS[0]}\n{table}\n{MARKS[1]}{after}", "utf-8")
    print(f"slowest {worst[0]:.1f} s (at most {SECONDS:.0f}), largest {worst[1]:.0f} MB")
    return 0 if worst[0] <= SECONDS and worst[1] <= MEGABYTES else 1


if __name__ == "__main__":
    if sys.argv[1:2] == ["--ask"]:
        ask(Path(sys.argv[2]), sys.argv[3])
    else:
        sys.exit(main())
