"""HTML and XML from strangers: no DTD, no entities, no network, bounded in size. No CKAN import.

What the bytes are decides, not what a header or the XML declaration says of them: portals label
GB18030 as UTF-8 and the other way round.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from lxml import etree

from ckanext.hljshare.ingest import envelope, text
from ckanext.hljshare.ingest.fetch import SourceError

MAX_XML_BYTES = 64 * 1024 * 1024
MAX_HTML_BYTES = 8 * 1024 * 1024
_DECLARATION = re.compile(r"\s*<\?xml[^>]{0,300}?\?>")
_BEFORE_ROOT = re.compile(r"\s+|<\?.*?\?>|<!--.*?-->", re.DOTALL)
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")  # XML 1.0, 2.2
_BLOCK_TAGS = frozenset({"br", "p", "div", "li", "tr"})


def xml_text(data: bytes, max_bytes: int = MAX_XML_BYTES) -> str:
    """The text of an XML answer without its declaration, fit for a parser. Raises SourceError.

    A document type is refused before anything is parsed: no catalog needs one, and all attacks by
    entities (files of this machine, requests from it, expansion without end) do.
    """
    if len(data) > max_bytes:
        raise SourceError("not-a-catalog: too large")
    try:
        words, _encoding = text.decode(data)
    except ValueError as error:
        raise SourceError(f"not-a-catalog: {error}") from None
    words = _ILLEGAL.sub("", words.lstrip("\ufeff"))
    declaration = _DECLARATION.match(words)
    words = words[declaration.end() :] if declaration else words
    kind = document_type(words)
    if kind is not None:
        html = kind.casefold().startswith("html")
        why = envelope.page_instead(words) if html else "not-a-catalog: XML with a DOCTYPE"
        raise SourceError(why)
    return words


def document_type(words: str) -> str | None:
    """What stands after ``<!DOCTYPE`` before the first element, None where there is none."""
    place = 0
    while found := _BEFORE_ROOT.match(words, place):
        place = found.end()
    if words[place : place + 9].casefold() != "<!doctype":
        return None
    return words[place + 9 : place + 60].strip()


def xml_root(data: bytes, max_bytes: int = MAX_XML_BYTES) -> etree._Element:
    """The root of an XML answer. Raises SourceError for anything else, HTML pages among it."""
    words = xml_text(data, max_bytes)
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(words.encode("utf-8"), parser)
    except (etree.XMLSyntaxError, ValueError):
        html = re.match(r"\s*<html", words, re.IGNORECASE)
        why = envelope.page_instead(words) if html else "not-a-catalog: no XML"
        raise SourceError(why) from None
    if root.getroottree().docinfo.doctype:
        raise SourceError("not-a-catalog: XML with a DOCTYPE")
    if name(root).casefold() == "html":
        raise SourceError(envelope.page_instead(words))
    return root


def name(element: etree._Element) -> str:
    """The name of an element without its namespace; "" for what is no element."""
    # Not by QName: a parser of HTML takes names that it refuses.
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def asks_to_sign_in(page: etree._Element) -> bool:
    """Whether an HTML page that is not what was asked for is a form to sign in with."""
    kinds = (str(item.get("type") or "").strip().casefold() for item in page.iter("input"))
    if "password" in kinds:
        return True
    return envelope.is_login_page(f"<title>{page.findtext('.//title') or ''}")


def html_page(data: bytes) -> etree._Element:
    """The root of an HTML page. Raises SourceError where there is none."""
    if len(data) > MAX_HTML_BYTES:
        raise SourceError("not-a-catalog: too large")
    try:
        words, _encoding = text.decode(data)
    except ValueError as error:
        raise SourceError(f"not-a-catalog: {error}") from None
    if not re.search(r"<[a-zA-Z!]", words[:4096]):
        raise SourceError("not-a-catalog: no HTML")
    parser = etree.HTMLParser(
        encoding="utf-8", no_network=True, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(_ILLEGAL.sub("", words).encode("utf-8"), parser)
    except (etree.XMLSyntaxError, ValueError):
        root = None
    if root is None:
        raise SourceError("not-a-catalog: no HTML")
    for script in list(root.iter("script", "style", "noscript", "template")):
        drop(script)
    return root


def drop(element: etree._Element) -> None:
    """Take an element out of its tree; the text after it stays."""
    parent = element.getparent()
    if parent is None:
        return
    before = element.getprevious()
    above = parent.text if before is None else before.tail
    words = _ILLEGAL.sub("", (above or "") + (element.tail or ""))
    if before is not None:
        before.tail = words
    else:
        parent.text = words
    parent.remove(element)


def words_of(element: etree._Element | str) -> str:
    """The text of an element (or of an attribute), line breaks where its blocks end."""
    if isinstance(element, str):
        return text.clean(element)
    parts: list[str] = []
    for event, node in etree.iterwalk(element, events=("start", "end")):
        if event == "start":
            parts.append(node.text or "")
        else:
            if name(node) in _BLOCK_TAGS:
                parts.append("\n")
            if node is not element:
                parts.append(node.tail or "")
    lines = (text.line(line) for line in text.clean("".join(parts)).split("\n"))
    return "\n".join(line for line in lines if line)


def _has_class(context: object, wanted: str) -> bool:
    node = context.context_node  # type: ignore[attr-defined]
    return wanted in (node.get("class") or "").split()


def xpath(expression: str) -> Callable[[etree._Element], list[etree._Element | str]]:
    """A function that finds what an XPath 1.0 expression names; ``has-class('x')`` is added to it.
    Raises ValueError for a wrong expression.
    """
    extensions: Mapping[tuple[None, str], object] = {(None, "has-class"): _has_class}
    try:
        compiled = etree.XPath(expression, extensions=extensions, smart_strings=False)
    except etree.XPathSyntaxError as error:
        raise ValueError(f"{expression}: {error}") from None

    def find(node: etree._Element) -> list[etree._Element | str]:
        try:
            found = compiled(node)
        except etree.XPathError:
            return []
        if isinstance(found, list):
            return [item for item in found if isinstance(item, (str, etree._Element))]
        return [str(found)]

    return find
