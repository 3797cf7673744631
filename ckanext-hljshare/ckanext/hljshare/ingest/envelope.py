"""JSON as city portals wrap it: JSONP, a quoted string, single quotes, a wrong charset. Pure.

What is no JSON in any of these ways is an error with a reason; nothing is guessed from half of it.
"""

from __future__ import annotations

import json
import re
from typing import Any

from ckanext.hljshare.safety.fetch import SourceError

from . import text

MAX_LAYERS = 4  # text within text within text
_CALL = re.compile(r"(?:/\*[^*]{0,200}\*/)?\s*(?:[\w$.\[\]]{1,200})?\s*\(")
_STRING = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"", re.DOTALL)
_WITHIN = re.compile(r"\\.|\"", re.DOTALL)
_BARE_KEY = re.compile(r"([{,]\s*)([A-Za-z_$][\w$]*)(\s*:)")
_PASSWORD = re.compile(r"<input[^<>]{0,500}type\s*=\s*[\"']?password", re.IGNORECASE)
_TITLE = re.compile(r"<title[^<>]{0,200}>([^<]{0,300})", re.IGNORECASE)
_LOGIN = re.compile(r"登录|登陆|身份认证|login|log in|sign in", re.IGNORECASE)


def parse(data: bytes, encoding: str | None = None) -> Any:
    """The value an answer holds. Raises SourceError: ``login-page``, ``not-a-catalog: HTML`` …

    :param encoding: what the source's mapping says; else BOM, UTF-8, GB18030, each strictly
    """
    try:
        words = data.decode(encoding) if encoding else text.decode(data)[0]
    except (ValueError, LookupError):
        raise SourceError("not-a-catalog: unknown encoding") from None
    words = words.lstrip("\ufeff").strip()
    if not words:
        raise SourceError("not-a-catalog: empty answer")
    if words.startswith("<"):
        raise SourceError(page_instead(words))
    try:
        value = _value(words)
    except RecursionError:
        raise SourceError("not-a-catalog: nested too deep") from None
    except ValueError:
        raise SourceError("not-a-catalog: no JSON") from None
    return unwrapped(value)


def unwrapped(value: Any) -> Any:
    """The object or list within a text that holds JSON; any other value as it is."""
    for _ in range(MAX_LAYERS):
        if not isinstance(value, str):
            break
        words = value.strip()
        if words[:1] not in ("{", "[", '"'):
            break
        try:
            value = json.loads(words)
        except (ValueError, RecursionError):
            break
    return value


def page_instead(words: str) -> str:
    """The reason to stop where an HTML page came in place of a catalog."""
    return "login-page" if is_login_page(words) else "not-a-catalog: HTML"


def is_login_page(words: str) -> bool:
    """Whether an HTML page asks to sign in."""
    head = words[:200_000]
    if _PASSWORD.search(head):
        return True
    title = _TITLE.search(head)
    return bool(title and _LOGIN.search(title.group(1)))


def _value(words: str) -> Any:
    try:
        return json.loads(words)
    except ValueError:
        inner = _argument(words)
    try:
        return json.loads(inner)
    except ValueError:
        return json.loads(_double_quoted(inner))


def _argument(words: str) -> str:
    """What stands between the brackets of a JSONP call; the words themselves if it is none."""
    call = _CALL.match(words)
    end = words.rstrip("; \t\r\n")
    return words[call.end() : len(end) - 1].strip() if call and end.endswith(")") else words


def _requoted(found: re.Match[str]) -> str:
    """A quote or an escape of a text in ' as it stands in a text in \"."""
    return {'"': '\\"', "\\'": "'"}.get(found.group(), found.group())


def _double_quoted(words: str) -> str:
    """JavaScript's way of writing objects, with ' for quotes and bare keys, as JSON."""
    parts, last = [], 0
    for found in _STRING.finditer(words):
        parts.append(_BARE_KEY.sub(r'\1"\2"\3', words[last : found.start()]))
        quoted = found.group()
        if quoted.startswith("'"):
            quoted = '"' + _WITHIN.sub(_requoted, quoted[1:-1]) + '"'
        parts.append(quoted)
        last = found.end()
    parts.append(_BARE_KEY.sub(r'\1"\2"\3', words[last:]))
    return "".join(parts)
