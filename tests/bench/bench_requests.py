"""What a million requests cost: the desk, the register, and the tick over 200,000 open ones.

Rows are made in the bench's own database by SQL, in the states and dates of a province of 130
agencies. The pages are asked with a thousand requests in the table, then with a million; the tick
once with nothing due, and once on a morning on which reminders of 20,000 requests fall due at the
same minute. `./portal bench` runs it.
"""

from __future__ import annotations

import os
import resource
import statistics
import sys
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SMALL, LARGE, OPEN = 1_000, 1_000_000, 200_000
AGENCIES = 130
ROUNDS, WARM = 30, 4
DOCUMENT = ROOT / "docs" / "speed.md"
MARKS = ("<!-- requests -->", "<!-- /requests -->")
MOST, SECONDS = 1.3, 5.0

# One row in twenty is open, as in a year of requests; the rest have ended.
ROWS = """
INSERT INTO hljshare_request (
    id, number, kind, state, version, agency_id, triage, applicant_id, applicant_kind,
    applicant_name, contact, data_name, demand_type, description, theme, format, purpose, other,
    security_measures, resources, business_basis, fields, share_mode, created, updated,
    submitted_at, first_submitted_at, accepted_at, deemed, rule, pauses, calendar_version, nominal,
    due, due_at, provisional, limit_from, limit_due, limit_at, limit_provisional, next_due, next_at,
    closed_at, outcome, returns, reason, basis, flag, public_name, words)
SELECT
    gen_random_uuid()::text, 'B-' || :first + n, 'open', f.state, 4, a.id, false,
    'nobody-' || n % 5000, 'person', '测试', '-', '公交客流信息' || n % 997, 'file', '-', '-',
    'CSV', '-', '', '', '[]', '', '', '', f.at, f.at, f.at, f.at, f.at + interval '1 day', false,
    CAST(:rule AS jsonb), '[]', '1', (f.at + interval '11 day')::date,
    (f.at + interval '11 day')::date, date_trunc('day', f.at + interval '12 day'), false, NULL,
    NULL, NULL, false, date_trunc('day', f.at + interval '12 day'),
    CASE WHEN f.state = 'accepted'
        THEN CAST(:later AS timestamptz) + n % 86400 * interval '1 s' END,
    CASE WHEN f.state = 'delivered' THEN f.at + interval '8 day' END,
    CASE WHEN f.state = 'delivered' THEN 'delivered' ELSE '' END, 0, '', '[]', '',
    '公交客流信息' || n % 997,
    ARRAY['公', '公交', '交', '交客', '客', '客流', '流', '流信', '信', '信息', '息',
        (n % 997)::text]
FROM generate_series(1, :count) n
CROSS JOIN LATERAL (
    SELECT CASE WHEN n % :every = 0 THEN 'accepted' ELSE 'delivered' END AS state,
        CASE WHEN n % :every = 0 THEN CAST(:moment AS timestamptz) - n % 9 * interval '1 day'
        ELSE CAST(:moment AS timestamptz) - (20 + n % 700) * interval '1 day'
            - n % 86400 * interval '1 s' END AS at
) f
JOIN (SELECT id, row_number() OVER (ORDER BY name) - 1 AS place FROM "group"
    WHERE name LIKE 'bench-agency-%') a ON a.place = n % :agencies
"""


def prepare(ini: Path) -> Any:
    """Return the application over an empty database with agencies and their handlers."""
    import ckan.plugins as p
    from ckan import model
    from ckan.cli import CKANConfigLoader
    from ckan.cli.db import _run_migrations
    from ckan.config.middleware import make_app
    from ckan.tests import factories, helpers

    app = make_app(CKANConfigLoader(str(ini)).get_config())._wsgi_app
    with app.test_request_context("/"):
        model.repo.upgrade_db()
        ours = ROOT / "ckanext-hljshare" / "ckanext" / "hljshare" / "migration"
        for plugin in ["harvest", *sorted(path.name for path in ours.glob("hljshare_*"))]:
            if p.plugin_loaded(plugin):
                _run_migrations(plugin, "head", True)
        model.repo.tables_created_and_initialised = True
        helpers.reset_db()
        factories.User(name="bench-handler", password="bench-password-1")
        factories.User(name="bench-province", password="bench-password-1")
        top = [{"name": "bench-province", "capacity": "admin"}]
        factories.Organization(name="bench-hlj", title="省", level="province", users=top)
        for number in range(AGENCIES):
            users = [{"name": "bench-handler", "capacity": "editor"}] if not number else []
            factories.Organization(
                name=f"bench-agency-{number:03d}",
                title=f"测速单位{number}",
                level="agency",
                groups=[{"name": "bench-hlj"}],
                users=users,
            )
    return app


def fill(count: int, first: int, every: int, later: datetime, agencies: int = AGENCIES) -> None:
    """Add requests of so many agencies, one in `every` open, which are looked at after `later`."""
    import json

    import sqlalchemy as sa
    from ckan import model

    from ckanext.hljshare.deadlines import shipped

    rule = shipped.rules()["open"]
    frozen = {
        "kind": rule.kind,
        "length": rule.length,
        "unit": rule.unit,
        "roll": rule.roll,
        "version": rule.version,
        "basis": [],
    }
    with model.meta.engine.begin() as connection:
        connection.execute(
            sa.text(ROWS),
            {
                "count": count,
                "first": first,
                "every": every,
                "agencies": agencies,
                "rule": json.dumps(frozen),
                "moment": datetime.now(timezone.utc),
                "later": later,
            },
        )
    with model.meta.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("VACUUM ANALYZE hljshare_request"))


def pages(app: Any) -> dict[str, float]:
    """Return the lower quartile of each page's milliseconds."""
    handler, anyone = app.test_client(), app.test_client()
    login = {"login": "bench-handler", "password": "bench-password-1"}
    handler.post("/user/login", data=login)
    asked = {
        "desk": (handler, "/desk"),
        "register": (anyone, "/request"),
        "register, one agency": (anyone, "/request?agency=bench-agency-000"),
        "register, a word": (anyone, "/request?q=公交"),
    }
    found = {}
    for title, (client, path) in asked.items():
        times = []
        for number in range(ROUNDS + WARM):
            began = time.perf_counter()
            response = client.get(path)
            response.get_data()
            assert response.status_code == 200, (path, response.status_code)
            if number >= WARM:
                times.append((time.perf_counter() - began) * 1000)
        found[title] = statistics.quantiles(times, n=4)[0]
    return found


def tick(moment: datetime | None = None) -> tuple[float, dict[str, int], float]:
    """Return seconds, what was done, and the megabytes that the process grew by."""
    from ckanext.hljshare.requests import tick as ticking

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    done = ticking.run(moment)
    spent = time.perf_counter() - began
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    return spent, done, grown


def main() -> int:
    """Measure, print, and with --write put the table into docs/speed.md."""
    import sqlalchemy as sa
    from ckan import model

    app = prepare(Path(os.environ["PORTAL_TEST_INI"]))
    later = datetime.now(timezone.utc) + timedelta(days=2)
    with app.app_context():
        # All of one agency, so that its pages are full and show the same as with a million.
        fill(SMALL, 0, 20, later, agencies=1)
        few = pages(app)
        fill(LARGE, SMALL, 20, later)
        many = pages(app)
        with model.meta.engine.begin() as connection:
            connection.execute(sa.text("TRUNCATE hljshare_request"))
        fill(OPEN, 0, 1, later)
        tick()
        quiet, _done, _grown = tick()
        with model.meta.engine.begin() as connection:
            connection.execute(
                sa.text("UPDATE hljshare_request SET next_at = now() WHERE right(number, 1) = '7'")
            )
        busy, done, grown = tick(datetime.now(timezone.utc) + timedelta(minutes=1))
        with model.meta.engine.begin() as connection:
            connection.execute(sa.text("TRUNCATE hljshare_request, hljshare_notice"))
    looked, sent = done.get("looked at", 0), done.get("notices", 0)
    rows = [
        f"| {title} | {few[title]:.1f} ms | {many[title]:.1f} ms | {many[title] / few[title]:.2f} |"
        for title in few
    ]
    table = "\n".join(
        [
            f"| page | {SMALL:,} requests | {LARGE + SMALL:,} requests | ratio |",
            "|---|---:|---:|---:|",
            *rows,
            "",
            f"| tick over {OPEN:,} open requests | seconds | notices | more memory |",
            "|---|---:|---:|---:|",
            f"| nothing due | {quiet:.2f} | 0 | |",
            f"| {looked:,} due at once | {busy:.2f} | {sent:,} | {grown:.0f} MB |",
        ]
    )
    print(table)
    if "--write" in sys.argv:
        text = DOCUMENT.read_text("utf-8")
        before, after = text.split(MARKS[0])[0], text.split(MARKS[1])[1]
        DOCUMENT.write_text(f"{before}{MARKS[0]}\n{table}\n{MARKS[1]}{after}", "utf-8")
    worst = max(many[title] / few[title] for title in few)
    slowest = max(quiet, busy)
    print(f"slowest ratio {worst:.2f} (at most {MOST}), tick {slowest:.1f} s (at most {SECONDS})")
    return 0 if worst <= MOST and slowest <= SECONDS else 1


if __name__ == "__main__":
    sys.path[:0] = [str(ROOT), str(ROOT / "ckanext-hljshare")]
    sys.exit(main())
