"""Words of the graph: namespaces, and texts and addresses that every syntax of RDF can carry. No
CKAN import.

What people enter is no IRI and no XML: it has blanks, quotes, Chinese, control characters. Here it
becomes what Turtle, N-Triples, RDF/XML and JSON-LD all write and read back as the same.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timezone
from urllib.parse import quote, unquote, urlsplit

from rdflib import Literal, Namespace, URIRef
from rdflib.namespace import XSD

DCT = Namespace("http://purl.org/dc/terms/")
DCAT = Namespace("http://www.w3.org/ns/dcat#")
DCATAP = Namespace("http://data.europa.eu/r5r/")
ADMS = Namespace("http://www.w3.org/ns/adms#")
VCARD = Namespace("http://www.w3.org/2006/vcard/ns#")
SPDX = Namespace("http://spdx.org/rdf/terms#")
ELI = Namespace("http://data.europa.eu/eli/ontology#")

EU = "http://publications.europa.eu/resource/authority/"
IANA = "https://www.iana.org/assignments/media-types/"
CHINESE, ENGLISH = "zh", "en"
OWN = "/vocabulary/terms#"  # the end of our own namespace, whatever the site

# What XML 1.0 cannot hold, and the non-characters and halves of pairs that UTF-8 cannot.
_UNWRITABLE = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
)
_BREAKS = re.compile(r"\r\n?|[\u2028\u2029]")
# RFC 3987: ASCII that an IRI may hold as it stands; beyond ASCII ucschar, without private use.
_ESCAPED = re.compile(
    r"[^A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%\u00a0-\ud7ff\uf900-\ufdcf\ufdf0-\uffef\U00010000-\U000efffd]"
)
_LONE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_EXTENDED = re.compile(r"([-+() 0-9]{5,20})转(\d{1,8})")
_HOST = re.compile(r"(?:[^/?#@\[\]]*@)?(?:\[[0-9A-Fa-f:.]+\]|[^/?#@\[\]:]+)(?::\d{0,5})?\Z")


@dataclass(frozen=True)
class Where:
    """The portal's two addresses, without a slash at the end: ``base`` begins the IRIs of what is
    described (ckanext-dcat's ``catalog_uri``), ``site`` the addresses of pages.
    """

    base: str
    site: str

    def term(self, name: str) -> URIRef:
        """A property of our own."""
        return URIRef(f"{self.base}{OWN}{name}")

    def concept(self, list_id: str, code: str) -> str:
        """The IRI of a code of one of our lists; any text may be a code."""
        return f"{self.base}/vocabulary/{list_id}/{segment(code)}"

    def agency(self, organization_id: str) -> str:
        """The IRI of an organization, as ckanext-dcat makes it."""
        return f"{self.base}/organization/{segment(organization_id)}"


def segment(value: object) -> str:
    """A text as one part of a path, percent-encoded."""
    return quote(text(value), safe="-._~")


def text(value: object) -> str:
    """A text as all syntaxes can carry it: line breaks are ``\\n``, nothing that XML forbids, no
    blanks around it; "" for nothing.
    """
    if value is None:
        return ""
    return _UNWRITABLE.sub("", _BREAKS.sub("\n", str(value))).strip()


def chinese(value: object) -> Literal:
    """A text in Chinese, the language of the catalog."""
    return Literal(text(value), lang=CHINESE)


def web_address(value: object) -> str:
    """An address of the web as a valid IRI (RFC 3987), "" where it is none."""
    given = re.sub(r"[\t\n\r]", "", text(value))
    try:
        parts = urlsplit(given)
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https", "ftp", "ftps", "sftp") or not _HOST.match(
        parts.netloc
    ):
        return ""
    if _ESCAPED.search(parts.netloc) or "%" in parts.netloc or not parts.netloc.isprintable():
        return ""
    rest = "".join(
        (
            _brackets(parts.path),
            f"?{_brackets(parts.query)}" if parts.query else "",
            f"#{_brackets(parts.fragment).replace('#', '%23')}" if parts.fragment else "",
        )
    )
    return f"{parts.scheme}://{parts.netloc}{_escaped(rest)}"


def _brackets(words: str) -> str:
    return words.replace("[", "%5B").replace("]", "%5D")


def _escaped(words: str) -> str:
    whole = _LONE_PERCENT.sub("%25", words)
    escaped = _ESCAPED.sub(lambda found: quote(found[0], safe=""), whole)
    # Spaces of all scripts, and marks that nobody sees: N-Triples ends an IRI at some of them, and
    # some turn what people read around (RFC 3987 §4.1).
    return "".join(char if char.isprintable() else quote(char, safe="") for char in escaped)


def telephone(value: object) -> str:
    """A telephone number as people write it, as a ``tel:`` address; "" for nothing."""
    number = text(value)
    found = _EXTENDED.fullmatch(number)
    if found:  # 转 is how an extension is written (RFC 3966: ext)
        return f"tel:{quote(found[1], safe='+-()')};ext={found[2]}"
    return f"tel:{quote(number, safe='+-().,')}" if number else ""


def telephone_words(iri: object) -> str:
    """The number as it was written, of a ``tel:`` address."""
    return text(unquote(str(iri).removeprefix("tel:")).replace(";ext=", "转"))


def day(value: object) -> Literal | None:
    """A date of the data (``YYYY-MM-DD``, or the day of a moment); None where it is none."""
    try:
        return Literal(date.fromisoformat(text(value)[:10]).isoformat(), datatype=XSD.date)
    except ValueError:
        return None


def moment(value: object) -> Literal | None:
    """A moment of CKAN's (ISO 8601, UTC where it names no zone), to the second; None for none."""
    try:
        found = datetime.fromisoformat(text(value).replace("Z", "+00:00"))
    except ValueError:
        return None
    found = found if found.tzinfo else found.replace(tzinfo=timezone.utc)
    return Literal(found.replace(microsecond=0).isoformat(), datatype=XSD.dateTime)
