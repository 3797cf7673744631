"""A city's portal and the province's, both real: what the one publishes, the other holds."""

import json
import urllib.request
from datetime import datetime, timedelta, timezone

import pytest
import sqlalchemy as sa
from ckan import model

from tests.integration.push.conftest import package
from tests.integration.push.processes import City, Server

SECRET = "http://10.20.30.40/inner/roster-2026.xlsx"


@pytest.fixture(scope="module")
def _city():
    found = City()
    yield found
    found.close()


@pytest.fixture
def clocks():
    """Return by how many days the clocks of province and city are off."""
    return 0, 0


@pytest.fixture(scope="module")
def _servers():
    found = {}
    yield found
    for server in found.values():
        server.kill()


@pytest.fixture
def server(_servers, clocks):
    """Return the province as a process; it may not be started yet."""
    return _servers.setdefault(clocks[0], Server(clocks[0]))


@pytest.fixture
def city(_city, harbin, server):
    """Return the city's portal, empty, with its settings for the province."""
    settings = {
        "hljshare.push.url": server.url,
        "hljshare.push.token": harbin.token,
        "hljshare.push.tries": 2,
    }
    _city.do("reset", settings=settings)
    return _city


def titles():
    """What stands at the province: title → (opening level, withdrawn)."""
    model.Session.remove()
    rows = model.Session.scalars(sa.select(model.Package).where(model.Package.type == "dataset"))
    return {
        row.title: (row.extras["open_type"], bool(row.extras.get("withdrawn_on"))) for row in rows
    }


def first_load(city):
    """Datasets of all levels, and one that is not published."""
    file = {"name": "线路.csv", "url": "http://files.example/lines.csv", "format": "CSV"}
    inner = {"name": "名册.xlsx", "url": SECRET, "format": "XLSX"}
    ids = [
        city.do("create", name=f"open-{n}", title=f"公交线路{n}", resources=[file]) for n in "12345"
    ]
    for level in ("on_request", "closed"):
        ids.append(
            city.do(
                "create",
                name=level.replace("_", "-"),
                title=f"名册{level}",
                open_type=level,
                resources=[inner],
            )
        )
    city.do("create", name="hidden", title="未发布", private=True)
    return ids


@pytest.mark.parametrize("clocks", [(0, 0), (500, -900)], indirect=True, ids=["right", "wrong"])
def test_a_whole_life(city, server, harbin, clocks):
    """First load, nothing new, changes, deletions, a province that is down for a while; whatever
    the clocks of both sides say."""
    off = clocks[1]
    server.start()
    ids = first_load(city)
    code, plan, _words = city.push("--dry-run", clock=off)
    assert (code, plan["new"]) == (0, 7)
    assert titles() == {}

    code, report, words = city.push(clock=off)
    assert code == 0, words
    assert (report["sent"], report["outcomes"], report["difference"]) == (7, {"created": 7}, 0)
    assert report["same"]
    _code, output = city.do("cli", arguments=["state", "--json"], clock=off)
    finished = datetime.fromisoformat(json.loads(output)["last"]["finished"])
    expected = datetime.now(timezone.utc) + timedelta(days=clocks[0])
    assert abs(finished - expected) < timedelta(hours=1)  # the province's clock, right or wrong
    stands = titles()
    assert stands["公交线路1"] == ("open", False)
    assert stands["名册closed"] == ("closed", False)
    assert "未发布" not in stands
    made = package(ids[0], harbin)
    assert model.Group.get(made.owner_org).name == "harbin-jtysj"
    assert made.extras["source_url"].endswith("/dataset/open-1")
    assert made.resources[0].url == "http://files.example/lines.csv"
    tags = sorted(tag.name for tag in made.get_tags())
    assert tags == ["公交", "线路"]

    code, report, _words = city.push(clock=off)
    assert (code, report["sent"], report["batches"], report["deleted"]) == (0, 0, 1, 0)

    server.kill()
    city.do("patch", id=ids[0], notes="改过的说明，包含全部线路和站点。")
    city.do("delete", id=ids[1])
    city.do("create", name="new-one", title="新的数据集")
    city.do("execute", sql="UPDATE hljshare_push_outgoing SET attempts = 0")
    code, report, words = city.push(clock=off)
    assert (code, report) == (2, None)
    assert "does not answer" in words
    _code, output = city.do("cli", arguments=["state", "--json"], clock=off)
    assert json.loads(output)["waiting"] == 1
    city.do("patch", id=ids[2], notes="在省级平台停机期间改的说明，内容完整。")

    server.start()
    code, report, words = city.push(clock=off)
    assert code == 0, words
    assert report["outcomes"] == {"created": 1, "updated": 2, "withdrawn": 1}
    assert titles()["公交线路2"] == ("open", True)
    assert package(ids[2], harbin).notes.startswith("在省级")
    code, output = city.do("cli", arguments=["state", "--compare", "--json"], clock=off)
    compared = json.loads(output)["compared"]
    assert (code, compared["same"], compared["published"]) == (0, True, 7)


def test_what_is_not_open_leaves_no_address_anywhere(city, server, harbin):
    """Not at the province, and not in what the city writes down to send."""
    server.start()
    ids = first_load(city)
    city.push()
    for native_id in ids[5:]:
        made = package(native_id, harbin)
        assert [item.url.startswith("http://test.ckan.net/share/") for item in made.resources]
        told = model.Session.scalar(sa.text("SELECT string_agg(address, ' ') FROM hljshare_vault"))
        assert "roster-2026" not in (told or "")
        assert "city.example.gov.cn/share/" in told


def test_both_sides_find_what_they_hold_differently(city, server, harbin):
    """The province has lost one and knows one that nobody sent; the city has forgotten one: after
    one run all is the same, and little was sent for it."""
    server.start()
    ids = first_load(city)
    city.push()
    model.Session.remove()
    model.Session.execute(
        sa.text("UPDATE hljshare_push_entry SET content_hash = NULL WHERE native_id = :id"),
        {"id": ids[0]},
    )
    model.Session.commit()
    assert harbin.put([{"op": "upsert", "record": {
        "native_id": "nobody-sent-it", "title": "别处来的", "provider": None,
        "fields": {"open_type": "open", "notes": "说明说明说明说明说明说明。"},
    }}]).status_code == 200  # fmt: skip
    city.do(
        "execute",
        sql=f"DELETE FROM hljshare_push_acknowledged WHERE native_id = '{ids[1]}'",
    )
    code, report, words = city.push()
    assert code == 0, words
    assert (report["corrected"], report["deleted"], report["difference"]) == (2, 1, 0)
    assert report["sent"] == 2
    assert titles()["别处来的"][1] is True


def test_many_deletions_wait_for_a_person(city, server, harbin):
    """A city whose catalog was emptied by mistake does not empty the province's."""
    server.start()
    ids = first_load(city) + [
        city.do("create", name=f"more-{n}", title=f"更多{n}") for n in range(5)
    ]
    city.push()
    for one in ids[:7]:
        city.do("delete", id=one)
    code, report, words = city.push()
    assert (code, report["withheld"], report["deleted"]) == (4, 7, 0)
    assert "--confirm-deletions" in words
    assert not any(withdrawn for _level, withdrawn in titles().values())
    code, report, _words = city.push("--confirm-deletions")
    assert (code, report["deleted"], report["difference"]) == (0, 7, 0)


def test_what_the_province_refuses_is_said_and_not_sent_for_ever(city, server, harbin, app):
    """The city's people see the reason; when they have changed the record, it goes again."""
    server.start()
    one = city.do("create", name="loose", title="收紧后放开", open_type="closed")
    city.push()
    city.do("patch", id=one, open_type="open", share_type="unconditional")
    code, report, _words = city.push()
    assert (code, report["outcomes"]) == (0, {"held": 1})
    assert titles()["收紧后放开"] == ("closed", False)
    code, output = city.do("cli", arguments=["state"])
    assert "loosening" in output
    code, report, _words = city.push("--full")
    assert (code, report["sent"]) == (0, 1)


def test_a_wrong_token_and_wrong_settings(city, server):
    """Told as what they are; nothing is tried for hours."""
    server.start()
    city.do("create", name="one", title="一个数据集")
    city.do("reset", settings={"hljshare.push.token": "nonsense"})
    city.do("create", name="one", title="一个数据集")
    code, _report, words = city.push()
    assert code == 1
    assert "token-invalid" in words
    city.do("reset", settings={"hljshare.push.url": "http://user:pw@127.0.0.1:1/"})
    code, _report, words = city.push()
    assert (code, "no address" in words) == (1, True)
    city.do(
        "reset", settings={"hljshare.push.url": "http://10.255.0.1/", "hljshare.push.token": "x"}
    )
    code, _report, words = city.push()
    assert (code, "has to begin with https" in words) == (1, True)
    city.do("reset", settings={"hljshare.push.allow_http": True})
    code, _report, words = city.push()
    assert (code, "address-refused" in words) == (1, True)
    city.do("reset", settings={"hljshare.push.allow_http": False})


def test_the_receipt_is_genuine_at_the_province(city, server, tmp_path, cli):
    """What the city has kept can be shown later."""
    server.start()
    city.do("create", name="one", title="一个数据集")
    city.push()
    _code, output = city.do("cli", arguments=["state", "--json"])
    kept = tmp_path / "receipt.json"
    kept.write_text(json.dumps({"receipt": json.loads(output)["last"]}))
    from ckanext.hljshare.push.cli import push

    result = cli.invoke(push, ["verify", str(kept)])
    assert (result.exit_code, result.output.strip()) == (0, "genuine")
    kept.write_text(kept.read_text().replace('"lines": 1', '"lines": 2'))
    assert cli.invoke(push, ["verify", str(kept)]).exit_code == 1
    assert urllib.request.urlopen(f"{server.url}/push/v1/openapi.json").status == 200
