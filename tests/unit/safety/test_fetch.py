"""Fetching from servers that are slow, broken, lying or hostile; each on loopback, none mocked."""

import gzip
import time

import pytest

from ckanext.hljshare.safety.fetch import Fetcher, SourceError, Tls, parse_networks
from tests.sources.server import Reply, as_json, certificate, drip, serve

DAY = "Sat, 01 Jun 2024 00:00:00 GMT"
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def fetcher(*sites, **more):
    """A fetcher that may reach these servers and nothing else inside."""
    allowed = parse_networks(" ".join(f"127.0.0.1:{site.port}" for site in sites))
    return Fetcher(allowed=allowed, **{"first_wait": 0.01, **more})


def test_json_and_headers_are_sent_as_given():
    with serve(lambda request: {"got": request.json}) as site:
        answer = fetcher(site).post_json(site.url, {"名": "值"}, {"X-App": "a"})
    assert answer == '{"got": {"名": "值"}}'.encode()
    assert site.asked[0].headers["X-App"] == "a"
    assert site.asked[0].headers["Content-Type"].startswith("application/json")


def test_an_unchanged_answer_is_not_sent_again():
    def answer(request):
        if request.headers.get("If-None-Match") == '"1"':
            return Reply(status=304)
        return Reply(
            b"{}", headers={"ETag": '"1"', "Last-Modified": "Sat, 01 Jun 2024 00:00:00 GMT"}
        )

    with serve(answer) as site:
        mine = fetcher(site)
        first = mine.get_if_changed(site.url)
        assert first is not None
        assert first.body == b"{}"
        assert mine.get_if_changed(site.url, first.etag, first.last_modified) is None
    assert site.asked[1].headers["If-Modified-Since"] == DAY


@pytest.mark.parametrize(
    "slow",
    [
        drip(b"HTTP/1.1 200 OK\r\n", b"X-A: 1\r\n", 0.05),
        drip(b"HTTP/1.1 200 OK\r\nX-Long: ", b"a", 0.05),
        drip(OK + b"Content-Length: 1000000\r\n\r\n", b" ", 0.05),
        drip(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n", 0.05),
        drip(b"", b"", 0.05),
    ],
    ids=["headers", "one header", "body", "chunks", "silence"],
)
def test_a_server_that_drips_is_left_in_time(slow):
    """Every piece comes well within the read time-out; the wall clock ends it."""
    with serve(lambda request: slow) as site:
        begun = time.monotonic()
        with pytest.raises(SourceError, match="too slow"):
            fetcher(site, max_seconds=0.6, read_timeout=5).get(site.url)
        assert time.monotonic() - begun < 2


def test_a_drip_over_tls_is_left_in_time(tmp_path):
    made = certificate(tmp_path)
    with serve(lambda request: drip(OK, b"X-A: 1\r\n", 0.05), tls=made) as site:
        begun = time.monotonic()
        mine = fetcher(site, max_seconds=0.8, tls={"127.0.0.1": Tls((made.sha256,))})
        with pytest.raises(SourceError, match="too slow"):
            mine.get(site.url)
        assert time.monotonic() - begun < 3


def test_an_endless_answer_ends_at_the_cap():
    endless = drip(
        OK + b"Transfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b" " * 65536 + b"\r\n", 0
    )
    with serve(lambda request: endless) as site, pytest.raises(SourceError, match="too large"):
        fetcher(site, max_bytes=1_000_000).get(site.url)


def test_an_announced_size_beyond_the_cap_is_not_read():
    huge = drip(OK + b"Content-Length: 2147483648\r\n\r\n", b" ", 0.2)
    with serve(lambda request: huge) as site:
        begun = time.monotonic()
        with pytest.raises(SourceError, match="too large"):
            fetcher(site).get(site.url)
        assert time.monotonic() - begun < 1


def test_a_gzip_bomb_is_counted_as_it_inflates():
    bomb = gzip.compress(b" " * 50_000_000)
    assert len(bomb) < 100_000
    reply = Reply(bomb, headers={"Content-Encoding": "gzip"})
    with serve(lambda request: reply) as site, pytest.raises(SourceError, match="too large"):
        fetcher(site, max_bytes=1_000_000).get(site.url)


def test_a_compressed_answer_is_inflated():
    reply = Reply(gzip.compress(b"[1]"), headers={"Content-Encoding": "gzip"})
    with serve(lambda request: reply) as site:
        assert fetcher(site).get(site.url) == b"[1]"


def test_an_answer_that_breaks_off_is_asked_for_again():
    answers = [
        Reply(raw=lambda sock: sock.sendall(OK + b"Content-Length: 100\r\n\r\n[1")),
        as_json([1, 2]),
    ]
    with serve(lambda request: answers[min(len(site.asked), 2) - 1]) as site:
        assert fetcher(site).get(site.url) == b"[1, 2]"
    assert len(site.asked) == 2


def test_half_an_answer_is_never_taken_for_a_whole_one():
    half = Reply(raw=lambda sock: sock.sendall(OK + b"Content-Length: 100\r\n\r\n[1]"))
    with serve(lambda request: half) as site, pytest.raises(SourceError, match="unreachable"):
        fetcher(site).get(site.url)


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_busy_server_is_asked_again(status):
    with serve(lambda r: as_json([], status) if len(site.asked) < 3 else as_json([1])) as site:
        assert fetcher(site).get(site.url) == b"[1]"


def test_retry_after_is_obeyed_within_bounds():
    def answer(request):
        if len(site.asked) == 1:
            return as_json({}, 503, **{"Retry-After": "1"})
        return as_json([1])

    with serve(answer) as site:
        begun = time.monotonic()
        assert fetcher(site).get(site.url) == b"[1]"
        assert time.monotonic() - begun >= 1


def test_who_asks_for_a_day_is_not_waited_for():
    with serve(lambda request: as_json({}, 429, **{"Retry-After": "86400"})) as site:
        begun = time.monotonic()
        with pytest.raises(SourceError, match="HTTP 429"):
            fetcher(site).get(site.url)
        assert time.monotonic() - begun < 1
    assert len(site.asked) == 1


def test_the_rate_holds_for_a_host():
    with serve(lambda request: []) as site:
        mine = fetcher(site, rate=20)
        begun = time.monotonic()
        for _ in range(5):
            mine.get(site.url)
        assert time.monotonic() - begun >= 4 / 20


INSIDE = [
    "http://127.0.0.1:{port}/secret",
    "http://localhost:{port}/secret",
    "http://[::ffff:7f00:1]:{port}/secret",
    "http://2130706433:{port}/secret",
    "http://0x7f.1:{port}/secret",
    "http://[::1]:{port}/secret",
    "http://169.254.169.254/latest/meta-data/",
    "http://10.0.0.1/",
    "//127.0.0.1:{port}/secret",
    "file:///etc/passwd",
    "gopher://127.0.0.1:{port}/",
    "ftp://127.0.0.1:{port}/",
]


@pytest.mark.parametrize("inside", INSIDE)
@pytest.mark.parametrize("status", [302, 307])
def test_a_redirect_does_not_lead_inside(inside, status):
    """``localhost`` is a name whose address is private."""
    with serve(lambda request: "secret") as private:
        where = inside.format(port=private.port)
        with serve(lambda request: Reply(status=status, headers={"Location": where})) as site:
            for call in ("get", "download", "post"):
                with pytest.raises(SourceError, match="address-refused"):
                    _call(fetcher(site), call, site.url)
        assert private.asked == []


def _call(mine, call, url):
    if call == "get":
        mine.get(url)
    elif call == "post":
        mine.post_json(url, {})
    else:
        import io

        mine.download(url, io.BytesIO())


def test_a_redirect_round_and_round_ends():
    with serve(lambda request: Reply(status=302, headers={"Location": "/again"})) as site:
        with pytest.raises(SourceError, match="too many redirects"):
            fetcher(site).get(site.url)
        assert len(site.asked) < 10


SECRETS = {"Authorization": "Bearer s", "X-Api-Key": "s", "Cookie": "s=1", "appKey": "s"}


def test_secrets_stay_with_the_host_they_are_for():
    with (
        serve(lambda request: []) as other,
        serve(lambda request: Reply(status=302, headers={"Location": other.url + "/a"})) as site,
    ):
        fetcher(site, other).get(site.url, headers={**SECRETS, "Accept": "application/json"})
    assert site.asked[0].headers["Authorization"] == "Bearer s"
    got = {name.lower() for name in other.asked[0].headers}
    assert not got & {name.lower() for name in SECRETS}
    assert "accept" in got


def test_secrets_follow_within_a_host():
    def answer(request):
        return [] if request.path == "/b" else Reply(status=302, headers={"Location": "/b"})

    with serve(answer) as site:
        fetcher(site).get(site.url, headers=SECRETS)
    assert site.asked[1].headers["X-Api-Key"] == "s"


@pytest.mark.parametrize("status", [307, 308])
def test_a_body_is_not_carried_to_another_host(status):
    with (
        serve(lambda request: []) as other,
        serve(lambda request: Reply(status=status, headers={"Location": other.url})) as site,
    ):
        with pytest.raises(SourceError, match="address-refused: redirect"):
            fetcher(site, other).post_form(site.url, {"token": "s"})
        assert other.asked == []


def test_a_post_sent_on_to_a_page_becomes_a_get():
    def answer(request):
        return (
            "login"
            if request.path == "/login"
            else Reply(status=302, headers={"Location": "/login"})
        )

    with serve(answer) as site:
        assert fetcher(site).post_form(site.url + "/list", {"a": 1}) == b"login"
    assert (site.asked[1].method, site.asked[1].body) == ("GET", b"")


def test_a_certificate_nobody_vouches_for_is_refused(tmp_path):
    with (
        serve(lambda request: [], tls=certificate(tmp_path)) as site,
        pytest.raises(SourceError, match="certificate-refused: self-signed"),
    ):
        fetcher(site).get(site.url)
    assert site.asked == []


def test_a_pinned_certificate_is_trusted_even_run_out(tmp_path):
    made = certificate(tmp_path, "portal.example", days=-1)
    pins = {"127.0.0.1": Tls(("0" * 64, made.sha256))}
    with serve(lambda request: [1], tls=made) as site:
        assert fetcher(site, tls=pins).get(site.url) == b"[1]"


def test_another_certificate_than_the_pinned_one_gets_no_request(tmp_path):
    pins = {"127.0.0.1": Tls(("0" * 64,))}
    with (
        serve(lambda request: [1], tls=certificate(tmp_path)) as site,
        pytest.raises(SourceError, match="certificate-refused: other fingerprint"),
    ):
        fetcher(site, tls=pins).get(site.url)
    assert site.asked == []


def test_a_pin_switches_no_check_off_for_others(tmp_path):
    made = certificate(tmp_path)
    with serve(lambda request: [1], tls=made) as site:
        pinned = fetcher(site, tls={"127.0.0.1": Tls((made.sha256,))})
        assert pinned.get(site.url) == b"[1]"
        for pins in ({}, {"data.example.gov.cn": Tls((made.sha256,))}):
            with pytest.raises(SourceError, match="certificate-refused"):
                fetcher(site, tls=pins).get(site.url)


def test_old_tls_is_spoken_only_where_the_source_needs_it(tmp_path):
    import ssl

    made = certificate(tmp_path)

    def old(context):
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.set_ciphers("ALL:@SECLEVEL=0")

    with serve(lambda request: [1], tls=made, tune=old) as site:
        with pytest.raises(SourceError, match="unreachable: SSLError"):
            fetcher(site, tls={"127.0.0.1": Tls((made.sha256,))}).get(site.url)
        old_one = fetcher(site, tls={"127.0.0.1": Tls((made.sha256,), legacy=True)})
        assert old_one.get(site.url) == b"[1]"


def test_errors_never_hold_an_address(tmp_path):
    """They reach reports, which more people read than may know the address."""
    with serve(lambda request: [], tls=certificate(tmp_path, "elsewhere.example")) as site:
        for address in (
            site.url + "/secret-path",
            "http://127.0.0.1:1/secret-path",
            "http://[bad/",
        ):
            with pytest.raises(SourceError) as caught:
                fetcher(site).get(address)
            assert not any(
                word in caught.value.reason for word in ("secret", "127", "example", "bad")
            )
