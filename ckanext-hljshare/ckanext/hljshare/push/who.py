"""Who pushes, and for which source: by the API token alone; a cookie is not looked at."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import authz, model
from ckan.lib import api_token
from ckan.lib.redis import connect_to_redis
from ckanext.harvest.model import HarvestSource

from ckanext.hljshare.ingest import approval, jobs
from ckanext.hljshare.ingest.dataset import Source

from .problems import ProblemError

KIND = "push"
HOUR = 3600
_SCHEMES = ("bearer ", "token ")


def caller(header: str) -> model.User:
    """The active account of the token in an Authorization header. Raises ProblemError."""
    token = header.strip()
    for scheme in _SCHEMES:
        if token.lower().startswith(scheme):
            token = token[len(scheme) :].strip()
    if not token:
        raise ProblemError("token-missing")
    user = api_token.get_user_from_token(token) if len(token) < 4096 else None
    if user is None or user.state != model.State.ACTIVE:
        raise ProblemError("token-invalid")
    return user


def may_push(user_id: str, owner_org: str | None) -> bool:
    """Whether an account is editor or administrator of the owner of a source. Being a system
    administrator is not enough: a token that can do everything does not belong on a city's
    server."""
    if not owner_org:
        return False
    user = model.User.get(user_id)
    if user is None or user.state != model.State.ACTIVE or user.sysadmin:
        return False
    return bool(authz.has_user_permission_for_group_or_org(owner_org, user.name, "update_dataset"))


def sources() -> list[model.Package]:
    """All sources of kind push that are in use."""
    package = model.Package
    return list(
        model.Session.scalars(
            sa.select(package)
            .join(HarvestSource, HarvestSource.id == package.id)
            .where(
                package.type == "harvest",
                package.state == model.State.ACTIVE,
                HarvestSource.type == KIND,
                HarvestSource.active.is_(True),
            )
            .order_by(package.name)
        )
    )


def source(user: model.User, name: str | None) -> Source:
    """The source that an account pushes for; ``name`` where there are several. Raises
    ProblemError."""
    mine = [package for package in sources() if may_push(user.id, package.owner_org)]
    if not mine:
        raise ProblemError("no-source")
    if name:
        mine = [package for package in mine if package.name == name]
        if not mine:
            raise ProblemError("source-forbidden")
    if len(mine) > 1:
        raise ProblemError("source-needed", ", ".join(package.name for package in mine))
    row = HarvestSource.get(mine[0].id)
    refused = approval.may_run(row)
    model.Session.commit()
    if refused:
        raise ProblemError("not-approved", refused)
    return jobs.source_of(row, KIND)


def of(source_id: str) -> Source:
    """The engine's view of a source."""
    return jobs.source_of(HarvestSource.get(source_id), KIND)


def count_in(source_id: str) -> None:
    """Count a batch that is offered. Raises ProblemError where there were too many in an hour.

    Where Redis does not answer, nothing is refused for it."""
    limit = int(tk.config["hljshare.push.batches_per_hour"])
    try:
        redis: Any = connect_to_redis()
        key = f"hljshare:push:{tk.config['ckan.site_id']}:{source_id}"
        offered = redis.incr(key)
        if offered == 1:
            redis.expire(key, HOUR)
        left = redis.ttl(key)
    except Exception:
        return
    if left == -1:  # the process ended between the two steps
        redis.expire(key, HOUR)
    if offered > limit:
        raise ProblemError("too-often", f"{limit}", retry_after=max(1, int(left)))
