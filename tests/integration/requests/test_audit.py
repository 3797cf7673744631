"""The history of requests: whatever is done to it is found, with its place; and the site's role can
do nothing to it where it is protected as in the portal."""

from __future__ import annotations

import json

import pytest
import sqlalchemy as sa
from ckan import model

from ckanext.hljshare.requests import audit
from ckanext.hljshare.requests import store as requests
from ckanext.hljshare.requests.audit_cli import seal_command, verify_command

TABLE = "hljshare_request_event"


@pytest.fixture(autouse=True)
def place(tmp_path, ckan_config, monkeypatch):
    """Return a folder for the seal of this test alone."""
    monkeypatch.setitem(ckan_config, "hljshare.private_storage_path", str(tmp_path))
    return tmp_path


@pytest.fixture
def history(call, submitted):
    """Return the request whose five events make the history."""
    request = submitted()
    for user, action, more in (
        ("handler", "accept", {}),
        ("handler", "propose", {"decision": "approve"}),
        ("approver", "decide", {"sign": True}),
        ("handler", "deliver", {}),
    ):
        call(user, action, id=request["id"], **more)
    return request


def forge(*statements):
    """Change the table past the portal, as who has the database can in the test."""
    with model.meta.engine.begin() as connection:
        for statement in statements:
            connection.execute(sa.text(statement))


def test_a_true_history_is_intact(history, cli):
    """Exit code 0, the count, the head; and it is sealed from now on."""
    result = cli.invoke(verify_command)
    found = json.loads(result.output.splitlines()[-1])
    assert result.exit_code == 0
    assert (found["events"], found["intact"], found["problem"]) == (5, True, None)
    assert found["head"] == requests.history(history["id"])[-1].hash
    assert found["sealed"] is None
    assert audit.verify()["sealed"] == 5


def test_an_empty_history_is_intact(house):
    """Before the first request."""
    assert audit.verify()["events"] == 0
    assert audit.verify()["intact"]


FORGERIES = {
    "a text": (["data = jsonb_set(data, '{to}', '\"refused\"')", 2], "content", 2),
    "the time": (["at = at - interval '1 day'", 3], "content", 3),
    "the time it was written": (["recorded = recorded - interval '1 second'", 3], "content", 3),
    "who": (["actor = null", 4], "content", 4),
    "the role": (["role = 'approver'", 1], "content", 1),
    "the kind": (["kind = 'refused'", 4], "content", 4),
    "whose": (["request_id = 'x'", 5], "content", 5),
    "who sees it": (["visibility = 'agency'", 2], "content", 2),
    "in whose stead": (["stead = not stead", 2], "content", 2),
    "the hash": (["hash = repeat('0', 64)", 2], "content", 2),
    "the link": (["previous = repeat('0', 64)", 2], "link", 2),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_each_change_is_found_at_its_place(history, cli, name):
    """Of any column, with exit code 1."""
    (change, position), kind, place = FORGERIES[name]
    forge(f"UPDATE {TABLE} SET {change} WHERE position = {position}")
    result = cli.invoke(verify_command)
    found = json.loads(result.output.splitlines()[-1])
    assert result.exit_code == 1
    assert not found["intact"]
    assert (found["problem"]["kind"], found["problem"]["position"]) == (kind, place)
    assert found["events"] == place - 1


def test_deletion_insertion_and_reordering_are_found(history):
    """With gaps, and numbered anew."""
    copy = f"CREATE TEMP TABLE kept ON COMMIT DROP AS SELECT * FROM {TABLE}"
    restore = [f"DELETE FROM {TABLE}", f"INSERT INTO {TABLE} SELECT * FROM kept_history"]
    forge(f"CREATE TABLE kept_history AS SELECT * FROM {TABLE}")
    try:
        cases = {
            ("missing", 3): [f"DELETE FROM {TABLE} WHERE position = 3"],
            ("missing", 1): [f"DELETE FROM {TABLE} WHERE position < 3"],
            ("link", 3): [
                f"DELETE FROM {TABLE} WHERE position = 3",
                f"UPDATE {TABLE} SET position = position - 1 WHERE position = 4",
                f"UPDATE {TABLE} SET position = position - 1 WHERE position = 5",
            ],
            ("link", 2): [
                f"UPDATE {TABLE} SET position = 99 WHERE position = 2",
                f"UPDATE {TABLE} SET position = 2 WHERE position = 4",
                f"UPDATE {TABLE} SET position = 4 WHERE position = 99",
            ],
            ("content", 6): [
                (
                    f"INSERT INTO {TABLE} SELECT 6, request_id, at, recorded, actor, role, stead, "
                    f"'delivered', visibility, data, hash, repeat('a', 64) FROM {TABLE} "
                    "WHERE position = 5"
                )
            ],
        }
        for (kind, position), statements in cases.items():
            forge(copy, *statements)
            found = audit.verify()
            assert (found["problem"]["kind"], found["problem"]["position"]) == (kind, position)
            forge(*restore)
        assert audit.verify()["intact"]
    finally:
        forge("DROP TABLE kept_history")


def test_a_cut_end_is_found_by_the_seal(history, cli):
    """Without it a shorter history would be a history."""
    assert json.loads(cli.invoke(seal_command).output) == {"position": 5, "renewed": True}
    forge(f"DELETE FROM {TABLE} WHERE position > 3")
    result = cli.invoke(seal_command)
    assert (result.exit_code, json.loads(result.output)) == (1, {"position": 5, "renewed": False})
    found = audit.verify()
    assert found["events"] == 3
    assert found["problem"] == {"kind": "tail", "position": 4, "until": 5, "request_id": None}
    assert audit.verify()["problem"]["kind"] == "tail"  # a bad history is not sealed over


def test_a_forged_seal_is_found(history, place):
    """Lowered to hide that the end is gone, or simply broken."""
    audit.verify()
    file = place / "audit" / "requests.json"
    kept = json.loads(file.read_text())
    for text in (
        json.dumps({**kept, "position": 3}),
        json.dumps({**kept, "mac": "0" * 64}),
        json.dumps({**kept, "key": "0" * 16}),
        "not json",
    ):
        file.write_text(text)
        assert audit.verify()["problem"]["kind"] == "seal"
        assert not audit.seal()["renewed"]
    file.write_text(json.dumps(kept))
    assert audit.verify()["intact"]


def test_hashes_cannot_be_made_without_the_key(history):
    """Who has the database alone cannot write a line that fits."""
    from ckanext.hljshare.safety import chain

    last = requests.history(history["id"])[-1]
    line = {
        "position": 6,
        "request_id": last.request_id,
        "at": last.at,
        "recorded": last.recorded,
        "actor": last.actor,
        "role": last.role,
        "stead": last.stead,
        "kind": "closed",
        "visibility": last.visibility,
        "data": {},
    }
    with model.meta.engine.begin() as connection:
        connection.execute(
            sa.insert(audit.events).values(
                **line, previous=last.hash, hash=chain.digest(last.hash, line)
            )
        )
    assert audit.verify()["problem"]["kind"] == "content"


# ---------------------------------------------------------------- the site's role


@pytest.fixture
def protected(history):
    """Return a connection of the site's role to a history that `config/postgres/history.sql`
    protects; nothing stays of what is written."""
    with model.meta.engine.connect() as connection:
        connection.execute(sa.text("SET search_path TO history_test, public"))
        connection.execute(
            sa.text(f"INSERT INTO history_test.{TABLE} SELECT * FROM public.{TABLE}")
        )
        yield connection
        connection.rollback()


def test_the_site_may_add_and_read(protected):
    """And the verification says that it may do no more."""
    found = audit.verify(protected)
    assert (found["events"], found["intact"], found["writable"]) == (5, True, False)
    with model.meta.engine.connect() as connection:
        assert audit.writable(connection)  # the table of the tests, which they must empty


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE {t} SET kind = 'refused' WHERE position = 2",
        "UPDATE {t} SET position = position",
        "DELETE FROM {t} WHERE position = 5",
        "TRUNCATE {t}",
        "DROP TABLE {t}",
        "DROP TABLE {t} CASCADE",
        "DROP SCHEMA history_test CASCADE",
        "ALTER SCHEMA history_test RENAME TO other",
        "ALTER TABLE {t} RENAME TO other",
        "ALTER TABLE {t} ALTER COLUMN kind DROP NOT NULL",
        "ALTER TABLE {t} OWNER TO ckan",
        "ALTER TABLE {t} SET SCHEMA public",
        (
            "CREATE TRIGGER x BEFORE INSERT ON {t} FOR EACH ROW EXECUTE FUNCTION "
            "suppress_redundant_updates_trigger()"
        ),
        "CREATE RULE x AS ON INSERT TO {t} DO INSTEAD NOTHING",
        "INSERT INTO {t} SELECT * FROM {t} ON CONFLICT (position) DO UPDATE SET kind = 'x'",
        "SET ROLE hljshare_history",
        "GRANT hljshare_history TO ckan",
        "DROP EVENT TRIGGER hljshare_keep",
        "ALTER EVENT TRIGGER hljshare_keep DISABLE",
        "DROP FUNCTION hljshare_guard.keep() CASCADE",
        "DROP SCHEMA hljshare_guard CASCADE",
        "DROP EVENT TRIGGER hljshare_stay",
        "DELETE FROM hljshare_guard.histories",
        "SET session_replication_role = replica",
    ],
)
def test_the_site_may_not(protected, statement):
    """Change, delete, drop, rename, own, or bend what is written."""
    with pytest.raises(sa.exc.DBAPIError) as error, protected.begin_nested():
        protected.execute(sa.text(statement.format(t=f"history_test.{TABLE}")))
    assert error.value.orig.pgcode in ("42501", "42602", "0LP01"), error.value
    assert audit.verify(protected)["events"] == 5


def test_the_site_gives_itself_nothing(protected):
    """PostgreSQL only warns of a grant by who may not give it: nothing must come of it."""
    protected.execute(sa.text(f"GRANT ALL ON history_test.{TABLE} TO ckan"))
    assert not audit.writable(protected)
