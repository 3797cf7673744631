"""Why a run stopped is told in words a supplier understands, not in names of errors."""

import pytest

from ckanext.hljshare.ingest import details, reasons


@pytest.fixture(autouse=True)
def _marked(monkeypatch):
    """Show what was translated."""
    monkeypatch.setattr(details, "_", lambda words: f"<{words}>")
    monkeypatch.setattr(reasons, "_", lambda words: words)


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("unreachable: ReadTimeoutError", "The source does not answer: <no answer in time>"),
        ("unreachable: HTTP 404", "The source does not answer: HTTP 404"),
        ("not-a-catalog: HTML", "The answer is not a catalog: <a web page>"),
        (
            "certificate-refused: self-signed",
            "The certificate of the source is not trusted: <it is self-signed>",
        ),
        ("source-error: code 500 系统异常", "The source reports an error: code 500 系统异常"),
        ("login-page", "The source asks to sign in instead of giving its catalog"),
        (
            "file-unreachable: unreachable: too large",
            "File could not be fetched: The source does not answer: <too large>",
        ),
        ("file-unreachable: too large", "File could not be fetched: <too large>"),
        ("opening-unknown: HTML", 'Unknown opening status "HTML"'),
    ],
)
def test_reasons_are_told_in_words(reason, told):
    assert reasons.describe(reason) == told
