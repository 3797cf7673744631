"""Exemption from the protection against forged requests is that of one request."""

from __future__ import annotations

import threading

import flask
import pytest
from ckan.config.middleware.flask_app import csrf

from ckanext.hljshare.access.csrf import Exempt

VIEW = "ckan.views.api.action"


def test_what_one_request_is_let_off_no_other_is(app):
    exempt = csrf._exempt_views
    assert isinstance(exempt, Exempt)
    inner = app.flask_app
    with inner.test_request_context("/"):
        exempt.add(VIEW)
        assert VIEW in exempt
        seen = []

        def meanwhile():
            with inner.test_request_context("/"):
                seen.append(VIEW in exempt)

        thread = threading.Thread(target=meanwhile)
        thread.start()
        thread.join()
        assert seen == [False]
        assert VIEW in exempt
    with inner.test_request_context("/"):
        assert VIEW not in exempt


@pytest.mark.usefixtures("clean_db")
def test_programs_that_ask_at_the_same_time_are_all_answered(app, monkeypatch):
    monkeypatch.setitem(app.flask_app.config, "WTF_CSRF_ENABLED", True)
    answers: list[int] = []

    def ask():
        for _time in range(15):
            response = app.flask_app.test_client().post("/api/3/action/status_show", json={})
            answers.append(response.status_code)

    threads = [threading.Thread(target=ask) for _number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(answers) == {200}
    assert not flask.has_request_context()
