"""ckanapi, unchanged, is a client of the portal; and it gets nothing that is not open."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import ckanapi
import pytest
from ckan.tests import factories
from ckan.tests.helpers import call_action

from tests.integration.feeds.api.conftest import SECRETS, site

BIN = Path(sys.executable).parent
PUBLIC = {"bus", "shut-on-request", "shut-closed"}


@pytest.fixture(params=["anonymous", "registered", "another agency's editor"])
def token(request, served, catalog):
    """Return the tokens of those who may not have what is not open; "" without one."""
    if request.param == "anonymous":
        return ""
    person = factories.UserWithToken()
    if request.param != "registered":
        other = factories.Organization(name="hlj-other", title="黑龙江省其他厅", level="agency")
        call_action(
            "organization_member_create",
            site(),
            id=other["id"],
            username=person["name"],
            role="editor",
        )
    return person["token"]


@pytest.fixture
def command(served, token, tmp_path):
    """Return a function that runs the command ckanapi and gives the lines it prints."""

    def run(*arguments: str) -> list[dict]:
        key = ["-a", token] if token else []
        done = subprocess.run(
            [BIN / "ckanapi", *arguments, "-r", served, *key],
            cwd=tmp_path,
            env={
                "PATH": f"{BIN}:/usr/bin:/bin",  # it starts itself anew for its workers
                "LANG": "C.UTF-8",
                "no_proxy": "127.0.0.1",
            },
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-800:]
        assert not any(word in done.stdout for word in SECRETS)
        return [json.loads(line) for line in done.stdout.splitlines()]

    return run


def test_actions_are_called(served, token, catalog):
    with ckanapi.RemoteCKAN(served, apikey=token or None) as remote:
        found = remote.action.package_search(q="公交")
        assert {dataset["name"] for dataset in found["results"]} == PUBLIC
        whole = [remote.action.package_show(id=name) for name in sorted(PUBLIC)]
        assert not any(word in json.dumps(whole) for word in SECRETS)
        rows = remote.action.datastore_search(resource_id=catalog.file)
        assert [row["线路名称"] for row in rows["records"]] == ["1路", "101路"]
        for file in catalog.shut_files:
            with pytest.raises((ckanapi.NotAuthorized, ckanapi.NotFound)):
                remote.action.datastore_search(resource_id=file)
        with pytest.raises(ckanapi.NotFound):
            remote.action.package_show(id="nothing-there")
        with pytest.raises((ckanapi.NotAuthorized, ckanapi.NotFound)):
            remote.action.package_show(id=catalog.private)


def test_errors_are_those_that_it_knows(served, token):
    with ckanapi.RemoteCKAN(served, apikey=token or None) as remote:
        with pytest.raises(ckanapi.ValidationError) as caught:
            remote.action.package_search(rows="viele")
        assert "rows" in caught.value.error_dict
        with pytest.raises(ckanapi.NotAuthorized):
            remote.action.organization_create(name="mine")


def test_all_datasets_are_dumped(command):
    lines = command("dump", "datasets", "--all")
    assert {dataset["name"] for dataset in lines} == PUBLIC


def test_all_organizations_are_dumped(command, agency):
    lines = command("dump", "organizations", "--all")
    assert agency["name"] in {line["name"] for line in lines}


def test_searching_gives_one_line_each(command):
    lines = command("search", "datasets", "q=公交")
    assert {dataset["name"] for dataset in lines} == PUBLIC
