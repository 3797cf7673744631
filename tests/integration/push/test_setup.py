"""What the province sets up for a city, and how ckanext-harvest meets a source of kind push."""

import json

import pytest
from ckan import model
from ckan.tests.helpers import call_action
from ckanext.harvest.model import HarvestJob, HarvestSource

from ckanext.hljshare.push import source, who
from ckanext.hljshare.push.cli import push
from tests.integration.push.conftest import outcomes, package, parsed, problem, upsert


def test_one_command_makes_all_a_city_needs(province, cli, app):
    """Source, machine account, token; told once. Running it again changes nothing."""
    first = cli.invoke(push, ["source", "哈尔滨市"])
    assert first.exit_code == 0, first.output
    words = dict(line.split(maxsplit=1) for line in first.output.splitlines())
    assert (words["source"], words["account"]) == ("harbin-push", "harbin-push")
    user = model.User.get("harbin-push")
    assert who.caller(words["token"]).id == user.id
    assert not user.sysadmin
    mine = call_action("organization_list_for_user", {"user": user.name}, id=user.name)
    assert {(org["name"], org["capacity"]) for org in mine} == {("harbin", "editor")}
    again = cli.invoke(push, ["source", "harbin"])
    assert (again.exit_code, words["token"] in again.output) == (0, False)
    assert len(call_action("api_token_list", user_id=user.name)) == 1
    more = cli.invoke(push, ["source", "harbin", "--new-token"])
    assert "made before" not in more.output


def test_what_cannot_be_set_up(province, cli):
    """Words for the operator."""
    for arguments in (["nowhere"], ["harbin", "--name", "Ü"], ["qiqihar", "--name", "harbin-push"]):
        cli.invoke(push, ["source", "harbin"])
        result = cli.invoke(push, ["source", *arguments])
        assert result.exit_code == 1
        assert "Traceback" not in result.output


def test_harvesting_a_pushed_source_says_so_and_withdraws_nothing(harbin):
    """Whoever presses the button."""
    harbin.put([upsert("1")])
    row = HarvestSource.get(model.Package.get("harbin-push").id)
    job = HarvestJob(source_id=row.id, status="Running")
    model.Session.add(job)
    model.Session.commit()
    assert source.gather(job) == []
    assert job.status == "Finished"
    assert [error.message for error in job.gather_errors] == ["pushed-not-pulled"]
    assert not package("1", harbin).extras.get("withdrawn_on")


@pytest.mark.parametrize("config", ['{"mapping": "default"}', "[]", '{"token": "x"}'])
def test_its_configuration_is_no_place_for_anything(config):
    """Least of all for secrets."""
    with pytest.raises(ValueError):
        source.validate_config(config)


def test_the_scheduler_s_command(harbin, cli):
    """Prints what it did."""
    harbin.put([])
    result = cli.invoke(push, ["watch"])
    assert json.loads(result.output) == {"missed": 0, "notices": 0, "forgotten": 0}


def test_a_portal_that_pushes_to_nobody(province, cli):
    """Says what is missing."""
    result = cli.invoke(push, ["run"])
    assert (result.exit_code, "hljshare.push.url is not set" in result.output) == (1, True)


def test_a_source_that_is_switched_off(harbin):
    """Takes nothing; switched on again, it goes on."""
    row = HarvestSource.get(model.Package.get("harbin-push").id)
    row.active = False
    model.Session.commit()
    assert problem(harbin.put([upsert("1")])) == (403, "no-source")
    row = HarvestSource.get(model.Package.get("harbin-push").id)
    row.active = True
    model.Session.commit()
    assert outcomes(harbin.put([upsert("1")])) == ["created"]
    assert parsed(harbin.put([]))[1]["lines"] == 0
