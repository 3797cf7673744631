"""What a source did instead of giving its catalog, in words: the detail of a reason, which adapters
and fetcher write in English. Names of errors are for nobody; what they mean is.
"""

from __future__ import annotations

from collections.abc import Callable

from ckan.common import _

TRANSLATED = frozenset(
    {"unreachable", "address-refused", "not-a-catalog", "certificate-refused", "file-unreachable"}
)


def words(detail: str) -> str:
    """The detail in the reader's language; what is not known (a status, a source's own words) as it
    stands.
    """
    known = _words().get(detail)
    return known() if known else detail


def _words() -> dict[str, Callable[[], str]]:
    no_connection = lambda: _("no connection")  # noqa: E731
    timeout = lambda: _("no answer in time")  # noqa: E731
    broken = lambda: _("the answer breaks off")  # noqa: E731
    no_list = lambda: _("no list of datasets in it")  # noqa: E731
    not_address = lambda: _("not a web address")  # noqa: E731
    return {
        "too large": lambda: _("too large"),
        "too slow": lambda: _("too slow"),
        "too many redirects": lambda: _("it refers on and on"),
        "NewConnectionError": no_connection,
        "ConnectionRefusedError": no_connection,
        "OSError": no_connection,
        "ConnectTimeoutError": timeout,
        "ReadTimeoutError": timeout,
        "TimeoutError": timeout,
        "NameResolutionError": lambda: _("no such host"),
        "gaierror": lambda: _("no such host"),
        "SSLError": lambda: _("no secure connection (TLS) possible"),
        "ProtocolError": broken,
        "IncompleteRead": broken,
        "RemoteDisconnected": broken,
        "ConnectionResetError": broken,
        "InvalidChunkLength": broken,
        "DecodeError": lambda: _("the compressed answer is broken"),
        "LocationParseError": not_address,
        "not an address": not_address,
        "private network": lambda: _("it lies in a network that the settings do not allow"),
        "redirect": lambda: _("it refers to another place that may not be asked"),
        "file": lambda: _("a file of this machine"),
        "a secret is for another host": lambda: _(
            "it leads to another host than the secret is for"
        ),
        "HTML": lambda: _("a web page"),
        "HTML without a list of datasets": lambda: _("a web page without a list of datasets"),
        "HTML without details": lambda: _("a web page without the details of a dataset"),
        "no JSON": lambda: _("no JSON"),
        "no HTML": lambda: _("no HTML"),
        "no XML": lambda: _("no XML"),
        "XML with a DOCTYPE": lambda: _("XML with a document type, which may hide attacks"),
        "XML without a list of datasets": no_list,
        "no list of datasets": no_list,
        "no object": no_list,
        "empty answer": lambda: _("an empty answer"),
        "nested too deep": lambda: _("nested too deep"),
        "unknown encoding": lambda: _("neither UTF-8 nor GB18030"),
        "neither UTF-8 nor GB18030": lambda: _("neither UTF-8 nor GB18030"),
        "broken workbook": lambda: _("a broken workbook"),
        "no column of titles": lambda: _("no column of titles"),
        "pages without end": lambda: _("pages without end"),
        "details of another dataset": lambda: _("the details of another dataset"),
        "expired": lambda: _("it has run out"),
        "self-signed": lambda: _("it is self-signed"),
        "other name": lambda: _("it is for another name"),
        "unknown issuer": lambda: _("its issuer is unknown"),
        "other fingerprint": lambda: _("it is not the one that was agreed on"),
    }
