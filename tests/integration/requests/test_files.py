"""Files of requests and identity numbers: checked, protected, written down, erased, sealed anew."""

from __future__ import annotations

import base64
import io
import json
import os
import time
import zipfile
from datetime import datetime, timedelta, timezone

import pytest
import sqlalchemy as sa
from ckan import model
from ckan.plugins import toolkit as tk
from ckan.tests import factories
from werkzeug.datastructures import FileStorage

from ckanext.hljshare.deadlines import outbox
from ckanext.hljshare.requests import audit
from ckanext.hljshare.requests import store as requests
from ckanext.hljshare.requests.files import identity, store, upkeep
from ckanext.hljshare.requests.files.cli import erase_command, rotate_command
from ckanext.hljshare.requests.files.model import RequestFile, RequestIdentity
from ckanext.hljshare.safety import identity_numbers, sealed

NUMBER = "11010519491231002X"
OTHER = "23010219900307123" + identity_numbers.check_character("23010219900307123")
PDF = b"%PDF-1.7\nidentity card of Wang Xiaoming\n%%EOF\n"
CSV = "线路,客流\n1路,2000\n".encode()


@pytest.fixture(autouse=True)
def places(tmp_path, ckan_config, monkeypatch):
    """Return a folder for files and keys of this test alone."""
    monkeypatch.setitem(ckan_config, "hljshare.private_storage_path", str(tmp_path / "private"))
    monkeypatch.setitem(ckan_config, "hljshare.sealing_keys", str(tmp_path / "keys"))
    put_keys(tmp_path, os.urandom(32))
    return tmp_path


def put_keys(folder, *keys):
    """Write the file of keys, the first one the one that seals."""
    path = folder / "keys"
    path.unlink(missing_ok=True)
    path.touch(0o600)
    path.write_text("\n".join(base64.b64encode(key).decode() for key in keys))


def upload(data=PDF, name="身份证.pdf", media_type="application/pdf"):
    return FileStorage(io.BytesIO(data), name, content_type=media_type)


@pytest.fixture
def draft(call, dataset):
    """Return a function that makes a draft with an identity number."""

    def make(**fields):
        from tests.integration.requests.conftest import WISH

        wish = {"dataset": dataset["name"], "identity": NUMBER, **WISH, **fields}
        return call("applicant", "create", **wish)

    return make


@pytest.fixture
def add(call):
    """Return a function that adds a file as somebody."""

    def do(user, request, purpose="attachment", **given):
        return call(user, "file_add", id=request["id"], purpose=purpose, upload=upload(**given))

    return do


@pytest.fixture
def delivered(call, draft, add):
    """Return a request without data in the catalog, delivered by a file; and the file."""
    request = draft(dataset=None, agency="harbin-jtysj", data_name="线路客流")
    call("applicant", "submit", id=request["id"])
    call("handler", "accept", id=request["id"])
    file = add("handler", request, "delivery", data=CSV, name="客流.csv", media_type="text/csv")
    call("handler", "propose", id=request["id"], decision="approve")
    call("approver", "decide", id=request["id"], sign=True)
    call("handler", "deliver", id=request["id"])
    return call("applicant", "show", id=request["id"]), file


@pytest.fixture
def get(app):
    """Return a function that fetches a file of a request as somebody."""
    tokens = {}

    def do(user, request, file, status=200, **how):
        if user and user not in tokens:
            tokens[user] = factories.APIToken(user=user)["token"]
        headers = {"Authorization": tokens[user]} if user else {}
        path = f"/request/{request['number']}/file/{file['id']}"
        answer = app.get(path, headers=headers, follow_redirects=False, **how)
        assert answer.status_code == status, answer.status
        return answer

    return do


def bytes_of(folder):
    """Everything that lies below the private root, in one."""
    return b"".join(path.read_bytes() for path in (folder / "private").rglob("*") if path.is_file())


def log_lines():
    rows = model.Session.execute(
        sa.text(
            "SELECT u.name, what, reason, outcome, sent FROM hljshare_access_log l "
            'JOIN "user" u ON u.id = l.user_id ORDER BY l.id'
        )
    )
    return [tuple(row) for row in rows]


# ---------------------------------------------------------------- identity numbers


def test_a_number_is_kept_sealed_and_shown_masked(call, draft):
    """Neither the table nor the request hold it; its owner sees the mask."""
    request = draft()
    assert call("applicant", "show", id=request["id"])["identity_masked"] == "110*************2X"
    row = model.Session.get(RequestIdentity, request["id"])
    assert NUMBER not in row.sealed
    assert NUMBER not in json.dumps(call("applicant", "show", id=request["id"]))
    assert identity.reveal(request["id"]) == NUMBER


def test_the_agency_reads_it_and_that_is_written_down(call, draft):
    """In full, once submitted; each reading stands in the agency's log."""
    request = draft()
    with pytest.raises(tk.NotAuthorized):
        call("handler", "identity_show", id=request["id"])  # a draft is nobody's business yet
    call("applicant", "submit", id=request["id"])
    assert call("handler", "identity_show", id=request["id"]) == {"masked": "110*************2X"}
    assert log_lines() == []
    found = call("handler", "identity_show", id=request["id"], reveal=True)
    assert found["number"] == NUMBER
    assert log_lines() == [("handler", "identity", "handling", "complete", 0)]
    for user in ("city", "province", "root", "stranger", "outsider", None):
        with pytest.raises(tk.NotAuthorized):
            call(user, "identity_show", id=request["id"])
    with pytest.raises(tk.NotAuthorized):
        call("applicant", "identity_show", id=request["id"], reveal=True)
    assert call("applicant", "identity_show", id=request["id"])["masked"]


def test_a_number_moved_to_another_request_does_not_open(draft):
    """Who can write the table cannot read a number through a request of their own."""
    one, two = draft(), draft(identity=OTHER)
    stolen = model.Session.get(RequestIdentity, one["id"]).sealed
    model.Session.get(RequestIdentity, two["id"]).sealed = stolen
    model.Session.commit()
    with pytest.raises(sealed.SealError):
        identity.reveal(two["id"])


def test_it_goes_with_the_draft(call, draft, add, places):
    """A draft that is thrown away leaves no number and, with its files, no bytes."""
    request = draft()
    add("applicant", request, "proof")
    call("applicant", "discard", id=request["id"])
    outbox.run()
    assert model.Session.get(RequestIdentity, request["id"]) is None
    assert bytes_of(places) == b""


# ---------------------------------------------------------------- files


def test_the_applicant_adds_proofs_and_attachments(call, draft, add, places):
    """Proofs lie encrypted; both are listed for those who handle the request, in order."""
    request = draft()
    proof = add("applicant", request, "proof")
    note = add("applicant", request, data=CSV, name="..\\说明 \u202efdp.csv", media_type="text/csv")
    assert (note["name"], note["purpose"]) == ("说明 fdp.csv", "attachment")
    assert (proof["size"], proof["media_type"]) == (len(PDF), "application/pdf")
    stored = bytes_of(places)
    assert b"Wang Xiaoming" not in stored
    assert CSV in stored
    call("applicant", "submit", id=request["id"])
    for user, purposes in {
        "applicant": ["proof", "attachment"],
        "handler": ["proof", "attachment"],
        "approver": ["proof", "attachment"],
        "city": ["attachment"],
    }.items():
        found = call(user, "file_list", id=request["id"])
        assert [file["purpose"] for file in found] == purposes
        assert [
            file["purpose"] for file in call(user, "show", id=request["id"])["files"]
        ] == purposes


def test_files_are_added_only_in_their_time_and_by_their_side(call, draft, add):
    """Before submission and when it was returned; data by the agency, once accepted."""
    request = draft()
    for user in ("handler", "stranger", "city", None):
        with pytest.raises(tk.NotAuthorized):
            add(user, request)
    call("applicant", "submit", id=request["id"])
    with pytest.raises(tk.ValidationError):
        add("handler", request, "delivery")  # not accepted yet
    with pytest.raises(tk.ValidationError) as error:
        add("applicant", request)
    assert "version" in error.value.error_dict
    call("handler", "return", id=request["id"], message="请补充身份证明")
    add("applicant", request, "proof")
    call("applicant", "submit", id=request["id"])
    call("handler", "accept", id=request["id"])
    for user in ("applicant", "city", "root"):
        with pytest.raises(tk.NotAuthorized):
            add(user, request, "delivery")
    before = call("handler", "show", id=request["id"])["version"]
    add("approver", request, "delivery", data=CSV, name="a.csv", media_type="text/csv")
    assert call("handler", "show", id=request["id"])["version"] > before


@pytest.mark.parametrize(
    ("given", "purpose"),
    [
        ({"data": b"<html><script>alert(1)</script></html>", "name": "a.csv"}, "attachment"),
        ({"data": PDF, "name": "a.exe"}, "attachment"),
        ({"data": b"", "name": "a.pdf"}, "attachment"),
        ({"data": CSV, "name": "身份证.csv"}, "proof"),
        ({"data": b"MZ" + bytes(100), "name": "a.pdf"}, "proof"),
    ],
)
def test_what_the_check_refuses_is_not_kept(call, draft, add, places, given, purpose):
    """With words at the field; nothing of it stays on the disk."""
    request = draft()
    with pytest.raises(tk.ValidationError) as error:
        add("applicant", request, purpose, **given)
    assert error.value.error_dict["upload"][0]
    assert call("applicant", "file_list", id=request["id"]) == []
    assert bytes_of(places) == b""


def test_every_refusal_has_words():
    """A new code of the check does not reach people as a code."""
    from ckanext.hljshare.requests.files import words

    for code in words.refusals():
        params = {"entry": "目录/x.exe", "extension": "exe", "max_bytes": 20 << 20}
        text = words.refusal(code, params)
        assert "{" not in text
        assert "目录/x.exe" in text


def test_no_more_than_the_rules_allow(draft, add, monkeypatch):
    """In number, and all together."""
    from dataclasses import replace

    from ckanext.hljshare.requests import rules

    few = replace(rules.load(), attachments_max=2, attachments_bytes=len(PDF) + len(CSV))
    monkeypatch.setattr(rules, "load", lambda: few)
    request = draft()
    add("applicant", request, "proof")
    with pytest.raises(tk.ValidationError):
        add("applicant", request)
    file = add("applicant", request, data=CSV, name="a.csv", media_type="text/csv")
    with pytest.raises(tk.ValidationError):
        add("applicant", request, data=b"x", name="a.txt", media_type="text/plain")
    assert file["removable"]


def test_a_file_is_taken_away_again(call, draft, add, places):
    """Its row at once, its bytes after the commit; not by others, not after submission."""
    request = draft()
    gone = add("applicant", request, "proof")
    kept = add("applicant", request, data=CSV, name="a.csv", media_type="text/csv")
    for user in ("handler", "stranger", None):
        with pytest.raises(tk.NotAuthorized):
            call(user, "file_remove", id=gone["id"])
    call("applicant", "file_remove", id=gone["id"])
    outbox.run()
    assert [file["id"] for file in call("applicant", "file_list", id=request["id"])] == [kept["id"]]
    assert bytes_of(places) == CSV
    call("applicant", "submit", id=request["id"])
    with pytest.raises(tk.ValidationError):
        call("applicant", "file_remove", id=kept["id"])
    with pytest.raises(tk.ObjectNotFound):
        call("applicant", "file_remove", id=gone["id"])


# ---------------------------------------------------------------- the way out


def test_downloads_go_to_those_who_may(call, draft, add, get):
    """With the bytes that were sent; everybody else finds nothing, visitors sign in first."""
    request = draft()
    proof = add("applicant", request, "proof")
    note = add("applicant", request, data=CSV, name="说明.csv", media_type="text/csv")
    get("handler", request, note, 404)  # a draft
    call("applicant", "submit", id=request["id"])
    for user in ("applicant", "handler", "approver"):
        answer = get(user, request, proof)
        assert answer.data == PDF
        assert get(user, request, note).data == CSV
    for user in ("stranger", "outsider", "consumer"):
        get(user, request, proof, 404)
        get(user, request, note, 404)
    for user in ("city", "province", "root"):
        get(user, request, proof, 404)
        assert get(user, request, note).data == CSV
    assert "/user/login" in get(None, request, proof, 302).headers["Location"]
    taken = [line[:4] for line in log_lines()]
    assert taken == [
        ("applicant", "proof", "request", "complete"),
        ("handler", "proof", "handling", "complete"),
        ("approver", "proof", "handling", "complete"),
    ]


def test_a_download_is_inert(draft, add, get):
    """Saved, never shown; never kept on the way; with its Chinese name."""
    request = draft()
    note = add("applicant", request, data=CSV, name="说明.csv", media_type="text/csv")
    headers = get("applicant", request, note).headers
    assert headers["Content-Disposition"] == ("attachment; filename*=UTF-8''%E8%AF%B4%E6%98%8E.csv")
    assert "no-store" in headers["Cache-Control"]
    assert "public" not in headers["Cache-Control"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in headers["Content-Security-Policy"]
    assert headers["Content-Length"] == str(len(CSV))


def test_a_file_is_not_reached_through_another_request(draft, add, get):
    """Its address needs its own request."""
    one, two = draft(), draft()
    file = add("applicant", one)
    get("applicant", two, file, 404)
    get("applicant", {"number": "SQ-2026-999999"}, file, 404)
    get("applicant", one, {"id": "../../secrets"}, 404)


def test_delivered_data_is_for_the_applicant_for_its_time(call, delivered, get):
    """Each take is written down, also refused ones; nobody with the same link has it."""
    request, file = delivered
    assert get("applicant", request, file).data == CSV
    for user in ("stranger", "city", "province", "root", "outsider"):
        get(user, request, file, 404)
    row = model.Session.get(RequestFile, file["id"])
    row.not_after = datetime.now(timezone.utc) - timedelta(seconds=1)
    model.Session.commit()
    get("applicant", request, file, 403)
    row.not_after = datetime.now(timezone.utc) + timedelta(days=1)
    model.Session.commit()
    call("applicant", "close", id=request["id"], message="不再需要，已删除")
    get("applicant", request, file, 403)
    assert log_lines() == [
        ("applicant", "delivery", "request", "complete", len(CSV)),
        ("applicant", "delivery", "request", "refused", 0),
        ("applicant", "delivery", "request", "refused", 0),
    ]


def test_data_is_not_taken_before_it_is_delivered(call, draft, add, get):
    """What the agency has uploaded is not the applicant's yet, nor is its name."""
    request = draft(dataset=None, agency="harbin-jtysj", data_name="线路客流")
    call("applicant", "submit", id=request["id"])
    call("handler", "accept", id=request["id"])
    file = add("handler", request, "delivery", data=CSV, name="a.csv", media_type="text/csv")
    get("applicant", request, file, 403)
    assert call("applicant", "file_list", id=request["id"]) == []
    assert get("handler", request, file).data == CSV


def test_a_download_under_way_ends_with_the_use(call, delivered):
    """What is asked while bytes flow: the database, not what stood at the beginning."""
    request, file = delivered
    applicant = model.User.get("applicant").id
    assert store.still_open(file["id"], applicant)
    call("approver", "close", id=request["id"], message="违反使用条件")
    assert not store.still_open(file["id"], applicant)


def test_a_file_that_does_not_open_is_said_before_it_is_sent(draft, add, get, places):
    """No half answer: the key is gone, or the bytes were changed."""
    request = draft()
    proof = add("applicant", request, "proof")
    path = store.path(request["id"], proof["id"])
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    get("applicant", request, proof, 503)
    put_keys(places, os.urandom(32))
    get("applicant", request, proof, 503)
    path.unlink()
    get("applicant", request, proof, 503)


# ---------------------------------------------------------------- erasing


def test_numbers_and_proofs_are_erased_in_time(call, draft, add, get, places, cli):
    """180 days after the request is over, and not before; attachments and the history stay."""
    request = draft()
    proof = add("applicant", request, "proof")
    add("applicant", request, data=CSV, name="a.csv", media_type="text/csv")
    call("applicant", "submit", id=request["id"])
    running = draft()
    call("applicant", "submit", id=running["id"])
    call(
        "handler",
        "decline",
        id=request["id"],
        reason="不属于本机关",
        basis=[{"law": "中华人民共和国数据安全法", "article": "第三十八条"}],
    )
    closed = requests.get(request["id"]).closed_at
    early = upkeep.erase_due(closed + timedelta(days=180) - timedelta(seconds=1))
    assert early == {"identities": 0, "proofs": 0}
    late = (closed + timedelta(days=180)).isoformat()
    result = cli.invoke(erase_command, ["--now", late])
    assert json.loads(result.output) == {"identities": 1, "proofs": 1, "leftovers": 0}
    assert upkeep.erase_due(closed + timedelta(days=180)) == {"identities": 0, "proofs": 0}
    outbox.run()
    assert bytes_of(places) == CSV
    row = model.Session.get(RequestIdentity, request["id"], populate_existing=True)
    assert (row.sealed, row.masked, row.key_id) == ("", "", "")
    with pytest.raises(tk.ObjectNotFound):
        call("handler", "identity_show", id=request["id"], reveal=True)
    get("handler", request, proof, 410)
    assert identity.masked(running["id"]) == "110*************2X"


def test_a_draft_that_was_left_alone_is_cleaned(draft, add, places):
    """Nobody will submit it; the person's number is not kept for it."""
    request = draft()
    add("applicant", request, "proof")
    moment = requests.get(request["id"]).updated + timedelta(days=180)
    assert upkeep.erase_due(moment) == {"identities": 1, "proofs": 1}


def test_what_an_interrupted_upload_left_is_swept_up(draft, add, places):
    """After a day; what has a row stays, however old."""
    request = draft()
    file = add("applicant", request, data=CSV, name="a.csv", media_type="text/csv")
    folder = store.path(request["id"], file["id"]).parent
    for name in ("left-over", "half~"):
        (folder / name).write_bytes(b"x")
    assert upkeep.sweep() == 0
    old = time.time() - 2 * 86400
    for path in folder.iterdir():
        os.utime(path, (old, old))
    assert upkeep.sweep() == 2
    assert [path.name for path in folder.iterdir()] == [file["id"]]


# ---------------------------------------------------------------- rotation


def test_everything_is_sealed_anew_with_a_new_key(call, draft, add, get, places, cli):
    """Afterwards the old key is not needed; running it again does nothing."""
    old, new = os.urandom(32), os.urandom(32)
    put_keys(places, old)
    requests_made = [draft() for _ in range(3)]
    proofs = [add("applicant", request, "proof") for request in requests_made]
    call("applicant", "submit", id=requests_made[0]["id"])
    assert audit.seal()["renewed"]
    put_keys(places, new, old)
    result = cli.invoke(rotate_command)
    assert json.loads(result.output.splitlines()[-1]) == {"identities": 3, "files": 3, "failed": 0}
    put_keys(places, new)
    for request, proof in zip(requests_made, proofs, strict=True):
        assert identity.reveal(request["id"]) == NUMBER
        assert get("applicant", request, proof).data == PDF
    assert upkeep.rotate() == {"identities": 0, "files": 0, "failed": 0}
    assert audit.verify()["intact"]


def test_a_rotation_that_was_stopped_goes_on(draft, add, get, places, monkeypatch):
    """Killed between a file and its row: nothing is lost, and the next run finishes."""
    old, new = os.urandom(32), os.urandom(32)
    put_keys(places, old)
    request = draft()
    proof = add("applicant", request, "proof")
    put_keys(places, new, old)
    real = store.write

    def killed(*given):
        real(*given)
        raise KeyboardInterrupt

    monkeypatch.setattr(store, "write", killed)
    with pytest.raises(KeyboardInterrupt):
        upkeep.rotate()
    model.Session.rollback()
    monkeypatch.setattr(store, "write", real)
    assert get("applicant", request, proof).data == PDF
    assert upkeep.rotate() == {"identities": 0, "files": 1, "failed": 0}
    put_keys(places, new)
    assert get("applicant", request, proof).data == PDF


def test_what_no_key_opens_is_reported_and_left(draft, places, cli):
    """The others are sealed anew; the exit code says that the old key must be kept."""
    lost, old, new = (os.urandom(32) for _ in range(3))
    put_keys(places, lost)
    draft()
    put_keys(places, old)
    fine = draft()
    put_keys(places, new, old)
    result = cli.invoke(rotate_command)
    assert result.exit_code == 1
    assert json.loads(result.output.splitlines()[-1]) == {"identities": 1, "files": 0, "failed": 1}
    assert identity.reveal(fine["id"]) == NUMBER


def test_archives_are_looked_into(draft, add):
    """The one check is the one that is asked."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("运行.exe", "MZ")
    with pytest.raises(tk.ValidationError) as error:
        add("applicant", draft(), data=target.getvalue(), name="a.zip", media_type="x/zip")
    assert "运行.exe" in error.value.error_dict["upload"][0]
