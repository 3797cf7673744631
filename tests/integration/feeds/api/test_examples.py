"""The examples of the page, each run as it is shown, against the portal really served."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from ckanext.hljshare.feeds.api import samples
from tests.integration.feeds.api.conftest import SECRETS

RUN = {ending: program for ending, _, program in samples.LANGUAGES}


@pytest.fixture
def run(served, catalog, tmp_path):
    """Return a function that runs an example in an empty folder and gives what it prints."""

    def go(name: str) -> str:
        program = RUN[name.rsplit(".", 1)[1]]
        assert shutil.which(program), f"{program} is not installed"
        (tmp_path / name).write_text(samples.text(name, served), "utf-8")
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "LANG": "C.UTF-8",
            "no_proxy": "127.0.0.1",
        }
        done = subprocess.run(
            [program, name],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-800:]
        assert not any(word in done.stdout for word in SECRETS)
        return done.stdout

    return go


@pytest.mark.parametrize("ending", RUN)
def test_searching(run, served, ending):
    printed = run(f"search.{ending}")
    assert printed.splitlines()[0].replace(" ", "") == "共3个数据集"
    assert f"无条件开放 公交线路 {served}/dataset/bus" in printed
    assert f"依申请开放 公交刷卡记录 {served}/dataset/shut-on-request" in printed
    assert f"不予开放 公交监控记录 {served}/dataset/shut-closed" in printed


@pytest.mark.parametrize("ending", RUN)
def test_downloading(run, catalog, tmp_path, ending):
    printed = run(f"download.{ending}")
    assert printed == f"公交线路：已保存为 {catalog.file}.csv\n"
    saved = (tmp_path / f"{catalog.file}.csv").read_text("utf-8")
    assert saved == "线路名称\n1路\n101路\n"


@pytest.mark.parametrize("ending", RUN)
def test_reading_a_table(run, ending):
    printed = run(f"table.{ending}")
    assert printed == "公交线路：线路名称\n读取 2 行，共 2 行\n"


@pytest.mark.parametrize("ending", RUN)
def test_following_the_catalog(run, ending):
    printed = run(f"feed.{ending}").split("\n")
    assert printed[0] == "2020-01-01 以来：3 个数据集有变化，0 个已撤下"
    assert sorted(line for line in printed[1:] if line) == sorted(
        ["公交刷卡记录", "公交监控记录", "公交线路"]
    )
