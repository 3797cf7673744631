"""The catalogs as CKAN serves them: ours lies over its own, and counts are Chinese."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
import pytest


@pytest.mark.parametrize(
    ("locale", "words"),
    [
        ("zh_Hans_CN", ("登录", "找到 {number} 个数据集")),
        ("en", ("Log in", "{number} datasets found")),
    ],
)
def test_each_language_has_its_words(app: Any, locale: str, words: tuple[str, str]) -> None:
    with app.flask_app.test_request_context(environ_overrides={"CKAN_LANG": locale}):
        said = tk.ungettext("{number} dataset found", "{number} datasets found", 2000)
        assert (tk._("Log in"), said) == words


def test_a_message_of_an_extension_without_chinese_is_chinese(app: Any) -> None:
    with app.flask_app.test_request_context(environ_overrides={"CKAN_LANG": "zh_Hans_CN"}):
        assert tk._("Harvest Sources") == "采集源"
