"""Whole sites beside the portal, ours and stock CKAN's, for measurements and for tests of two.

They stand on the portal's own PostgreSQL, Redis and Solr, each with a database, a search core, a
Redis database, a storage folder and settings of its own. All of it carries its makers' prefix and
is removed by `Sites.close`; what a run that was killed left behind is removed when the next begins.
"""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote

import psycopg2
from psycopg2 import sql

from tests.integration.search.corpus import Core

# The portal's settings that stock CKAN has no use for, or that would not be stock any more.
NOT_STOCK = ("hljshare.", "scheming.", "ckanext.dcat.", "ckan.datastore.", "ckan.theme",
             "ckan.favicon", "ckan.plugins", "ckan.locale_", "ckan.locales_")  # fmt: skip
NONE: Mapping[str, str] = MappingProxyType({})


def setting(run: Path, name: str) -> str:
    """One value of the portal's own `ports` or `secrets` file."""
    for file in ("ports", "secrets"):
        for line in (run / file).read_text("utf-8").splitlines():
            key, _, value = line.partition("=")
            if key == name:
                return value
    raise KeyError(name)


@dataclass
class Site:
    """One portal: its settings file, and how to reach its parts. ``database``: its address."""

    kind: str
    name: str
    ini: Path
    core: Core
    database: str
    storage: Path


class Sites:
    """Makes sites on the portal's own services, and removes them all."""

    def __init__(
        self,
        run: Path,
        prefix: str,
        redis: Mapping[str, int],
        stock_plugins: str = "harvest ckan_harvester",
    ) -> None:
        """Remove what an earlier run left behind.

        :param run: the portal's folder of data
        :param prefix: begins every name; no other maker's prefix may begin with it
        :param redis: by "ours" and "stock", numbers of Redis databases that nobody else uses; the
            portal's own are 0 to 30
        :raises SystemExit: while another run with this prefix is at it
        """
        self.run, self.prefix, self._numbers = run, prefix, redis
        self._stock_plugins = stock_plugins
        self.folder = run / prefix
        self.solr = f"http://127.0.0.1:{setting(run, 'SOLR_PORT')}/solr"
        self._stack = ExitStack()
        self._templates: set[str] = set()
        lock = run / f"{prefix}.lock"
        self._alone = self._stack.enter_context(lock.open("w"))
        try:
            fcntl.flock(self._alone, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SystemExit(f"another run makes sites called {prefix}") from None
        self._stack.callback(lock.unlink)
        self._stack.callback(self._sweep)
        self._sweep()
        self.folder.mkdir(mode=0o700)

    def close(self) -> None:
        """Remove every database, core and file that was made."""
        self._stack.close()

    def _sweep(self) -> None:
        like = "select datname from pg_database where datname like %s"
        names = self._sql(like, f"{self.prefix}%")
        for name in names:
            self._drop(name)
        for folder in Path(self.run / "solr" / "home").glob(f"{self.prefix}*"):
            Core.remove(_known_core(self.solr, folder))
        for number in self._numbers.values():
            self._redis(number).flushdb()
        shutil.rmtree(self.folder, ignore_errors=True)

    # ------------------------------------------------------------------ sites

    def make(
        self,
        kind: str,
        name: str,
        prepare: Callable[[Path], None] | None = None,
        settings: Mapping[str, str] = NONE,
    ) -> Site:
        """A fresh site: ``kind`` is "ours" or "stock". The first of a kind is migrated, and filled
        by ``prepare``, once; the others are copies of its database. ``settings`` are the site's
        own, above all others.
        """
        template = f"{self.prefix}_{kind}"
        if kind not in self._templates:
            self._database(template)
            self._database(f"{template}_data")
            core = Core(self.solr, template, stock=kind == "stock")
            ini = self._ini(kind, template)
            ckan(ini, "db", "init")
            if prepare:
                prepare(ini)
            core.remove()
            self._templates.add(kind)
        whole = f"{template}_{name}"
        self._database(whole, template)
        return self._site(kind, whole, settings)

    def _site(self, kind: str, whole: str, settings: Mapping[str, str]) -> Site:
        core = Core(self.solr, whole, stock=kind == "stock")
        self._redis(self._numbers[kind]).flushdb()
        ini = self._ini(kind, whole, settings)
        return Site(kind, whole, ini, core, self._address(whole), self.folder / f"{whole}-storage")

    def copy(self, site: Site, kind: str, name: str, settings: Mapping[str, str] = NONE) -> Site:
        """A site of a kind on a copy of another one's database, with an empty search core. Nobody
        may be connected to the other one meanwhile.
        """
        whole = f"{self.prefix}_{kind}_{name}"
        self._database(whole, site.name)
        return self._site(kind, whole, settings)

    def remove(self, site: Site) -> None:
        """Remove a site's database and core; its settings file stays until the end."""
        site.core.remove()
        self._drop(site.name)

    def _ini(self, kind: str, name: str, settings: Mapping[str, str] = NONE) -> Path:
        own = {
            "ckan.site_id": name,
            "ckan.site_url": "http://bench.example",
            "sqlalchemy.url": self._address(name),
            "ckan.datastore.write_url": self._address(f"{self.prefix}_{kind}_data"),
            "ckan.datastore.read_url": self._address(f"{self.prefix}_{kind}_data", "datastore_ro"),
            "ckan.redis.url": self._redis_address(self._numbers[kind]),
            "ckan.harvest.mq.redis_db": str(self._numbers[kind]),
            "solr_url": f"{self.solr}/{name}",
            "ckan.storage_path": str(self.folder / f"{name}-storage"),
            "SESSION_TYPE": "cookie",
        }
        if kind == "ours":
            own["hljshare.ingest.allowed_networks"] = "127.0.0.0/8"
        else:
            own["ckan.plugins"] = self._stock_plugins
        own |= settings
        kept: list[str] = []
        for line in (self.run / "ckan.ini").read_text("utf-8").splitlines():
            key = line.partition("=")[0].strip()
            if key in own or (kind == "stock" and key.startswith(NOT_STOCK)):
                continue
            # Both sites say only what goes wrong: a line of log for each dataset costs time.
            kept.append("level = WARNING" if line == "level = INFO" else line)
            if line == "use = egg:ckan":
                kept += [f"{key} = {value}" for key, value in own.items()]
        target = self.folder / f"{name}.ini"
        target.touch(0o600)
        target.write_text("\n".join(kept) + "\n", "utf-8")
        return target

    # ------------------------------------------------------------------ services

    def _address(self, database: str, role: str = "ckan") -> str:
        key = "DB_PASSWORD" if role == "ckan" else "DB_RO_PASSWORD"
        password = quote(setting(self.run, key), safe="")
        return f"postgresql://{role}:{password}@127.0.0.1:{setting(self.run, 'PG_PORT')}/{database}"

    def _redis_address(self, number: int) -> str:
        password = quote(setting(self.run, "REDIS_PASSWORD"), safe="")
        return f"redis://:{password}@127.0.0.1:{setting(self.run, 'REDIS_PORT')}/{number}"

    def _redis(self, number: int):  # type: ignore[no-untyped-def]
        import redis

        return redis.Redis.from_url(self._redis_address(number))

    def _sql(self, statement: str | sql.Composed, *values: str) -> list[str]:
        connection = psycopg2.connect(
            host="127.0.0.1",
            port=setting(self.run, "PG_PORT"),
            user="portal",
            password=setting(self.run, "PG_PASSWORD"),
            dbname="postgres",
        )
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement, values or None)
                return [row[0] for row in cursor.fetchall()] if cursor.description else []
        finally:
            connection.close()

    def _database(self, name: str, template: str = "template0") -> None:
        self._sql(
            sql.SQL("create database {} owner ckan template {} encoding 'UTF8'").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )

    def _drop(self, name: str) -> None:
        self._sql(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))


def _known_core(solr: str, folder: Path) -> Core:
    core = Core.__new__(Core)
    core.solr, core.name, core.folder = solr, folder.name, folder
    return core


def ckan(ini: Path, *words: str) -> str:
    """What CKAN's command line says with a site's settings; all of its words when it fails."""
    done = subprocess.run(
        [str(Path(sys.executable).with_name("ckan")), "-c", str(ini), *words],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"ckan {' '.join(words)} with {ini}:\n{done.stdout}{done.stderr}"[-4000:])
    return done.stdout
