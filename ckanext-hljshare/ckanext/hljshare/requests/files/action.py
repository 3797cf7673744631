"""Actions on the files of a request, and on the identity number of who applies."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model

from ckanext.hljshare.access.grants import store as grants
from ckanext.hljshare.requests import engine, routing
from ckanext.hljshare.requests import store as requests
from ckanext.hljshare.requests.files import identity, rules, schema, store

__all__ = [
    "hljshare_request_file_add",
    "hljshare_request_file_list",
    "hljshare_request_file_remove",
    "hljshare_request_identity_show",
]


@tk.validate_action_data(schema.add)
def hljshare_request_file_add(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Add a file to a request.

    It goes through the portal's one check of uploads: size, real type, archives, macros.

    :param id: the request (id or number)
    :param purpose: ``attachment`` or ``proof`` (the applicant, in a draft or to complete the
        request; a proof is kept encrypted), ``delivery`` (the agency, once accepted), ``report``
        (the applicant, once delivered)
    :param upload: the file (multipart/form-data)
    :returns: the file: ``id``, ``purpose``, ``name``, ``size``, ``sha256``, ``media_type`` …
    :raises ValidationError: the file is refused, or the request is in another state
    """
    tk.check_access("hljshare_request_file_add", context, data_dict)
    person = _person(context)
    upload = data_dict["upload"]
    if not getattr(upload, "filename", ""):
        raise tk.ValidationError({"upload": [tk._("Choose a file")]})
    purpose = data_dict["purpose"]
    _check(context, data_dict["id"], purpose)
    made = store.add(data_dict["id"], purpose, upload, person.id)
    try:
        _check(context, data_dict["id"], purpose)  # again: the request is locked by now
        model.Session.commit()
    except Exception:
        store.unwrite(made["request_id"], made["id"])
        raise
    return made


def _person(context: Any) -> model.User:
    person = engine.caller(context)
    if person is None:
        raise tk.NotAuthorized(tk._("Log in first"))
    return person


def _check(context: Any, ref: str, purpose: str) -> None:
    """See that the caller may change files of this purpose in the request's present state."""
    request = requests.get(ref)
    answer = rules.may_change(
        purpose, request.state, routing.roles(engine.caller(context), request)
    )
    if answer == "role":
        model.Session.rollback()
        raise tk.NotAuthorized(tk._("You have no part in this request that allows this"))
    if answer == "state":
        raise engine.conflict(request)


@tk.validate_action_data(schema.by_id)
def hljshare_request_file_remove(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Take a file away again, as long as it may still be added. Its bytes are erased.

    :param id: the file
    :returns: ``id``
    """
    tk.check_access("hljshare_request_file_remove", context, data_dict)
    row = store.get(data_dict["id"])
    request = requests.locked(row.request_id)
    _check(context, request.id, row.purpose)
    if row.erased is not None:
        model.Session.rollback()
        raise tk.ObjectNotFound(tk._("File not found"))
    store.remove(row)
    store.touch(request)
    model.Session.commit()
    return {"id": data_dict["id"]}


@tk.side_effect_free
@tk.validate_action_data(schema.by_id)
def hljshare_request_file_list(context: Any, data_dict: dict[str, Any]) -> list[dict[str, Any]]:
    """The files of a request that the caller may know of, the oldest first.

    :param id: the request (id or number)
    """
    tk.check_access("hljshare_request_file_list", context, data_dict)
    request = requests.get(data_dict["id"])
    return store.listed(request.id, routing.roles(engine.caller(context), request))


@tk.validate_action_data(schema.identity)
def hljshare_request_identity_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """The identity number of who applies: masked, or, for the handling agency, in full, which is
    written into the agency's log of access.

    :param id: the request (id or number)
    :param reveal: in full
    :returns: ``masked`` (empty where there is none, or it was erased), and ``number`` if asked for
    """
    tk.check_access("hljshare_request_identity_show", context, data_dict)
    person = _person(context)
    request = requests.get(data_dict["id"])
    found = {"masked": identity.masked(request.id)}
    if data_dict["reveal"]:
        number = identity.reveal(request.id)
        grants.log(
            user_id=person.id,
            dataset_id=request.dataset_id or "",
            owner_org=request.agency_id,
            what="identity",
            reason="handling",
            outcome="complete",
            detail=request.number,
        )
        found["number"] = number
    return found
