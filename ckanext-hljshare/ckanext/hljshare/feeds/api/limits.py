"""Counting requests in Redis; what is decided stands in `rates.py`."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterable
from typing import Any

import ckan.plugins.toolkit as tk
from ckan.common import current_user
from ckan.lib.redis import connect_to_redis
from flask import Response, g, request
from redis.exceptions import RedisError

from ckanext.hljshare.feeds.api import asked, paths, rates

log = logging.getLogger(__name__)
PAUSE = 30  # seconds without counting after Redis has not answered: asking it anew takes time
_pause = {"until": 0.0}


def caller() -> rates.Caller:
    """Whose request this is: the account of the token or the session, or else the address."""
    if current_user.is_authenticated:
        return rates.Caller("key", current_user.id, int(tk.config["hljshare.api.rate_key"]))
    address = rates.client(
        request.environ.get("REMOTE_ADDR", ""),
        request.headers.get("X-Forwarded-For", ""),
        rates.networks(str(tk.config["hljshare.api.proxies"])),
    )
    return rates.Caller("address", address, int(tk.config["hljshare.api.rate_anonymous"]))


def count() -> rates.Standing | None:
    """Count this request; None where it is not counted: a page, a preflight, no limit, or a Redis
    that does not answer. Nobody is refused for a fault of the portal's."""
    if request.method == "OPTIONS" or paths.kind(request.path) not in paths.COUNTED:
        return None
    who = caller()
    if who.limit <= 0 or time.monotonic() < _pause["until"]:
        return None
    number, reset = rates.window(time.time())
    key = f"hljshare:api-rate:{tk.config['ckan.site_id']}:{who.name}:{who.key}:{number}"
    try:
        with connect_to_redis().pipeline() as both:  # one round trip
            both.incr(key)
            both.expire(key, 2 * rates.WINDOW)
            used = int(both.execute()[0])
    except (RedisError, OSError):
        log.warning("requests are not counted for %s seconds: Redis does not answer", PAUSE)
        _pause["until"] = time.monotonic() + PAUSE
        return None
    return rates.Standing(who, used, reset)


def refuse() -> Response | None:
    """Before a request: count it, and answer 429 in CKAN's form where it is one too many."""
    g.hljshare_rate = count()
    if g.hljshare_rate is None or not g.hljshare_rate.refused:
        return None
    message = tk._("Too many requests: at most {count} a minute. Try again in {seconds} seconds.")
    message = message.format(count=g.hljshare_rate.caller.limit, seconds=g.hljshare_rate.reset)
    return failure(429, {"__type": "Rate Limit Error", "message": message})


def unreadable() -> Response | None:
    """Before a request: 404 for an address with U+0000, which nothing has and which the database
    fails on; in the API 400 where a parameter is one that actions fail on."""
    kind = paths.kind(request.path)
    # The intake of cities has words of its own for it.
    if "\x00" in request.path and not request.path.startswith("/push/"):
        if kind is None:
            return tk.abort(404)
        return failure(404, {"__type": "Not Found Error", "message": tk._("Not found")})
    if kind != "api":
        return None
    try:
        wrong = asked.wrong([*request.args.lists(), *_sent()])
    except RecursionError:  # of the reader of JSON
        wrong = ["data"]
    if not wrong:
        return None
    texts = {_shown(name): [tk._("The value cannot be read")] for name in wrong}
    return failure(400, {**texts, "__type": "Validation Error"})


def _sent() -> Iterable[tuple[str, Any]]:
    """The parameters in the body, as CKAN reads them: JSON also where it is sent as a form. What is
    none is for CKAN to tell."""
    if request.method not in ("POST", "PUT", "PATCH"):
        return ()
    form = list(request.form.items(multi=True))
    if not form:
        sent = request.get_json(silent=True)
    elif len(form) == 1 and form[0][1] in ("", "1"):
        try:
            sent = json.loads(form[0][0])
        except ValueError:
            return ()
    else:
        return request.form.lists()
    return sent.items() if isinstance(sent, dict) else ()


def _shown(name: str) -> str:
    """A name as it can be answered."""
    return name.replace("\x00", "").encode("utf-8", "replace").decode()


def failure(status: int, error: dict[str, Any]) -> Response:
    """An error in CKAN's form, kept by nobody on the way."""
    body = json.dumps({"success": False, "error": error}, ensure_ascii=False)
    response = Response(body, status, content_type="application/json;charset=utf-8")
    # CKAN writes its own Cache-Control afterwards, a public one unless told so in this way.
    request.environ["__no_cache__"] = True
    response.headers["Cache-Control"] = "no-store"
    return response


def tell(response: Response) -> Response:
    """After a request: say where the caller stands."""
    standing: Any = g.get("hljshare_rate")
    if standing is not None:
        response.headers.update(standing.headers())
    return response
