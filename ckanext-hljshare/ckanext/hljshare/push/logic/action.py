"""Push as actions of CKAN's API: for small batches and for tools. The addresses below /push/v1 do
the same for large ones."""

from __future__ import annotations

import json
from contextlib import closing
from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model

from ckanext.hljshare.ingest import reasons
from ckanext.hljshare.ingest.dataset import Source
from ckanext.hljshare.push import intake, receipt, spool, state, who
from ckanext.hljshare.push.problems import CODES, ProblemError

MAX_LINES = 1000


def hljshare_push_batch(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Settle a batch of records, as ``PUT /push/v1/batches/{key}`` does.

    :param key: the idempotency key; the same key with the same lines gives the same receipt
    :param lines: at most 1000 objects, ``{"op": "upsert", "record": {…}}`` or
        ``{"op": "delete", "id": "…"}``
    :param source: (optional) name of the source, where the account has several
    :returns: ``{"receipt", "results": [{"line", "id", "outcome", "reasons", "texts", "hash",
        "dataset"}]}``
    """
    given = tk.get_or_bust(data_dict, "lines")
    key = str(tk.get_or_bust(data_dict, "key"))
    if not isinstance(given, list) or len(given) > MAX_LINES:
        raise tk.ValidationError(
            {"lines": [tk._("A list of at most {number} lines").format(number=MAX_LINES)]}
        )
    try:
        user_id, source = _source("hljshare_push_batch", context, data_dict)
        who.count_in(source.id)
        content = b"".join(_line(item) + b"\n" for item in given)
        settling = intake.records(source, user_id, key, spool.of_bytes(content))
        with closing(settling):
            results = [
                {**result, "texts": [reasons.describe(reason) for reason in result["reasons"]]}
                for result in settling.results
            ]
        assert settling.receipt is not None
        return {"receipt": json.loads(settling.receipt), "results": results}
    except ProblemError as problem:
        raise _refused(problem) from None


@tk.side_effect_free
def hljshare_push_state(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """What this portal holds of a source, as ``GET /push/v1/state`` tells it.

    :param since: (optional) the ``next`` of an earlier answer: only what changed behind it
    :param limit: (optional, 1000)
    :param source: (optional) name of the source, where the account has several
    :returns: ``{"entries": [{"id", "hash", "outcome", "dataset"}], "next", "more"}``
    """
    try:
        _user_id, source = _source("hljshare_push_state", context, data_dict)
        limit = int(data_dict.get("limit") or state.PAGE)
        return state.page(source.id, str(data_dict.get("since") or ""), limit)
    except ValueError:
        raise tk.ValidationError({"limit": [tk._("Must be a whole number")]}) from None
    except ProblemError as problem:
        raise _refused(problem) from None


def _line(item: Any) -> bytes:
    """What cannot be written is a line that is refused."""
    try:
        return receipt.plain(item).encode()
    except (TypeError, ValueError, RecursionError):
        return b""


def _source(action: str, context: Any, data_dict: dict[str, Any]) -> tuple[str, Source]:
    user = model.User.get(context.get("user") or "")
    if user is None or user.state != model.State.ACTIVE:
        raise tk.NotAuthorized(tk._("This account may push for no city"))
    source = who.source(user, str(data_dict.get("source") or "") or None)
    tk.check_access(action, context, {"source_id": source.id})
    return user.id, source


def _refused(problem: ProblemError) -> Exception:
    words = tk._(CODES[problem.code][1])
    if problem.status in (401, 403):
        return tk.NotAuthorized(words)
    if problem.status == 404:
        return tk.ObjectNotFound(words)
    return tk.ValidationError(
        {problem.code: [words, problem.detail] if problem.detail else [words]}
    )
