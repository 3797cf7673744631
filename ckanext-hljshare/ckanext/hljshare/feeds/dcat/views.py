"""Our own vocabularies at their addresses: what an IRI in the feed means can be looked up.
Lists change with a release only; CKAN's `ckan.cache_expires` says how long they may be kept.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache

import ckan.plugins.toolkit as tk
from flask import Blueprint, Response
from werkzeug.wrappers import Response as BaseResponse

from ckanext.hljshare.catalog import codelists

from . import described, syntax, vocabularies

vocabulary = Blueprint("hljshare_vocabulary", __name__)


def scheme(list_id: str, ending: str) -> BaseResponse:
    """A whole list in a syntax: SKOS, or for ``terms`` the properties of our own."""
    if list_id not in vocabularies.concept_lists() or ending not in syntax.SYNTAXES:
        tk.abort(404, tk._("Not found"))
    place = described.where()
    text = _document(list_id, ending, place.base, place.site)
    response = Response(text, content_type=f"{syntax.SYNTAXES[ending].media}; charset=utf-8")
    response.set_etag(hashlib.blake2b(text.encode(), digest_size=16).hexdigest())
    return response.make_conditional(tk.request.environ)


@lru_cache(maxsize=200)
def _document(list_id: str, ending: str, base: str, _site: str) -> str:
    """The text of a list; data files of the portal, so that what was made once stays true."""
    found = syntax.named(described.concept_scheme(list_id), base)
    return "".join(syntax.document([syntax.piece(found, ending)], ending, base))


def lookup(list_id: str, code: str = "") -> BaseResponse:
    """Send whoever looks up a list, or a code of it, to the list in Turtle (303: the code is no
    document).
    """
    if list_id not in vocabularies.concept_lists() or (code and not _knows(list_id, code)):
        tk.abort(404, tk._("Not found"))
    found = Response(status=303)
    found.headers["Location"] = f"{described.where().site}/vocabulary/{list_id}.ttl"
    return found


def _knows(list_id: str, code: str) -> bool:
    if list_id == "format":
        return any(item["code"] == code for item in vocabularies.formats())
    if list_id == "licence":
        return code in vocabularies.licences()
    if list_id == "terms":
        return code in vocabularies.WORDS["terms"]
    return codelists.item(list_id, code) is not None


vocabulary.add_url_rule("/vocabulary/<list_id>.<ending>", "scheme", scheme)
vocabulary.add_url_rule("/vocabulary/<list_id>", "list", lookup)
vocabulary.add_url_rule("/vocabulary/<list_id>/<path:code>", "code", lookup)
