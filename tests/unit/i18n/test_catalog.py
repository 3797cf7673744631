"""What a visitor reads is Chinese: the message catalogs are complete, exact and clean."""

from __future__ import annotations

import gettext
import html
import importlib.util
import io
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_file
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from ckan.lib.extract import extract_ckan

ROOT = Path(__file__).resolve().parents[3]
I18N = ROOT / "ckanext-hljshare" / "ckanext" / "hljshare" / "i18n"
LOCALES = ("zh_Hans_CN", "en")
STOCK = ("harvest", "dcat", "scheming", "datastore")  # extensions without Chinese of their own

Key = tuple[str | None, str]  # what gettext looks a message up by: context and msgid

# Words that stand in Latin letters in good Chinese too: names, formats, units, code.
LATIN = frozenset(
    re.findall(
        r"\w+",
        """
        API APIs Atom Bash CAPTCHA CC CC0 BY SA ODC By CKAN CSS CSV CSW DCAT DOC DOCX DOI DataStore
        Excel Facebook GB GB18030 GBK GFDL GNU GUID GeoJSON HTML HTML5 HTTP HTTPS ID IP ISO JPG JSON
        JavaScript KB KML KiB MB GiB MiB TB TiB MIME Markdown Moment NDJSON OAI ODWeb ODbL OFD OGL
        OpenAPI OpenID PDDL PDF PNG PowerShell Python RDF REST RSS SHIFT SM3 SQL SVG Solr TSV TXT
        DTD SHA Turtle URI URL URN USCC UTF UUID WAF WMS WPS Web XLS XLSX XML ZIP cURL gzip jQuery
        YYYY MM DD DDTHH SS AB NONE GET head http https Open Data License Database
        Cookie DB23 Esc WCAG AA success result error limit offset filters fq open gongjiao
        package_search hljshare_open_type hljshare_city SKOS AP CORS curl jq jsonlite license_id
        RateLimit Retry After If None Match Modified Since Range api action data urlencode
        ckan ckanapi clean activities jones watershed survey active subject stage my dataset
        id all iCalendar holiday cn date name is_off is off true false
        filter_fields filter_values resource_search start_date end_date offset_days
        Authorization Content Digest DOCTYPE TLS YAML delete hljshare ndjson op own push source
        upsert
        """,
    )
)
FIELD = re.compile(
    r"%\([^)]*\)[-+0-9.]*[sdifr]|%[-+0-9.]*[sdifr]|\{[A-Za-z0-9_.]*(?:![a-z])?(?::[^}]*)?\}"
)
TAG = re.compile(r"</?[A-Za-z][^>]*>")
TEXT_ATTRIBUTE = re.compile(r'\s(?:title|alt|aria-label)="[^"]*"')
CODE = re.compile(
    r"(?:https?://|mailto:)[^\s<>，。）“”]+|[\w.+-]+@[\w.-]+|<[^>]+>|&\w+;|`[^`]*`"
    r"|\b[A-Za-z][\w-]*(?:\.[A-Za-z]\w*)+|application/\w+"
)
WORD = re.compile(r"[A-Za-z][A-Za-z0-9_]+")
# Frequent characters of traditional script, and words of other regions' Chinese.
FOREIGN = re.compile(
    "[這個們來時說對會為與資訊網頁請幫組織機構數據檔開關設選擇單擊錯誤無庫連結標籤權頭沒歡]"
    "|资讯|介面|登入|登出|档案|使用者|伺服器"
)


@cache
def ours(locale: str) -> Catalog:
    """Our catalog of a language."""
    return read(I18N / locale / "LC_MESSAGES" / "ckanext-hljshare.po", locale)


@cache
def ckans() -> Catalog:
    """CKAN's own Chinese, over which ours lies."""
    path = package("ckan") / "i18n" / "zh_Hans_CN" / "LC_MESSAGES" / "ckan.po"
    return read(path, "zh_Hans_CN")


def read(path: Path, locale: str) -> Catalog:
    with path.open("rb") as source:
        return read_po(source, locale=locale)


def package(name: str) -> Path:
    """The folder of an installed package."""
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return Path(next(iter(spec.submodule_search_locations)))


def entries(catalog: Catalog) -> list[Message]:
    """All messages but the header."""
    return [message for message in catalog if message.id]


def said(message: Message) -> str:
    """The translation (of the plural, where there is one), '' if there is none."""
    return message.string if isinstance(message.string, str) else (message.string or ("",))[-1]


def english(message: Message) -> str:
    """The msgid whose placeholders the translation must have: of two, the plural."""
    return message.id if isinstance(message.id, str) else message.id[-1]


def key(message: Message) -> Key:
    return message.context, message.id if isinstance(message.id, str) else message.id[0]


def shown() -> dict[Key, str]:
    """All that CKAN shows in Chinese: its own catalog, and ours over it."""
    both = (ckans(), ours("zh_Hans_CN"))
    return {key(m): said(m) for catalog in both for m in entries(catalog) if said(m)}


def method(path: Path) -> Any:
    """Babel's extraction method for a file; None for files that hold no messages."""
    if path.suffix == ".py" and path.name != "cli.py":
        return "python"
    if path.suffix in {".html", ".txt", ".xml"} and "templates" in path.as_posix():
        return extract_ckan
    if path.suffix == ".js" and not path.name.endswith(".min.js"):
        return "javascript"
    return None


def messages(folder: Path, *, broken_templates: bool = False) -> Iterator[tuple[Key, str]]:
    """Each message used in a folder's code and templates, and where.

    Templates that do not parse are an error unless `broken_templates` allows them: a stock
    extension keeps templates for versions of CKAN that are not this one.
    """
    for path in sorted(folder.rglob("*")):
        how = method(path)
        place = path.relative_to(folder)
        if how is None or {"tests", "vendor", "node_modules", "build"} & set(place.parts):
            continue
        options = {"silent": str(broken_templates)} if how is extract_ckan else {}
        for line, ids, _, context in extract_from_file(how, path, DEFAULT_KEYWORDS, (), options):
            msgid = ids if isinstance(ids, str) else ids[0]
            if msgid:
                yield (context, msgid), f"{place}:{line}"


@pytest.mark.parametrize("folder", ["ckanext-hljshare", "harvesters"])
def test_every_message_of_ours_has_chinese(folder: str) -> None:
    known = shown()
    assert [f"{place}: {k[1]}" for k, place in messages(ROOT / folder) if k not in known] == []


@pytest.mark.parametrize("extension", STOCK)
def test_stock_extensions_show_no_english(extension: str) -> None:
    known = shown()
    found = messages(package(f"ckanext.{extension}"), broken_templates=True)
    assert [f"{place}: {k[1]}" for k, place in found if k not in known] == []


def test_ckan_shows_no_english_where_its_own_chinese_ends() -> None:
    known = shown()
    left = [m for m in entries(ckans()) if key(m) not in known and not only_in_examples(m)]
    assert [m.id for m in left] == []


def only_in_examples(message: Message) -> bool:
    """Whether a message stands only in CKAN's example plugins, which no portal loads."""
    places = [place for place, _ in message.locations]
    return bool(places) and all(place.startswith("ckanext/example_") for place in places)


@pytest.mark.parametrize("locale", LOCALES)
def test_placeholders_are_kept(locale: str) -> None:
    """Named placeholders may move and repeat; those filled by position keep number and order."""
    wrong = []
    for message in entries(ours(locale)):
        before, after = (FIELD.findall(text) for text in (english(message), said(message)))
        named = [set(filter(has_name, fields)) for fields in (before, after)]
        placed = [[f for f in fields if not has_name(f)] for fields in (before, after)]
        if said(message) and (named[0] != named[1] or placed[0] != placed[1]):
            wrong.append((message.id, said(message)))
    assert wrong == []


def has_name(field: str) -> bool:
    """Whether a placeholder is filled by its name or number, not by its position."""
    return field.startswith("%(") or (field.startswith("{") and field != "{}")


@pytest.mark.parametrize("locale", LOCALES)
def test_markup_is_kept(locale: str) -> None:
    """The same tags with the same links and hooks; texts in attributes are translated."""
    wrong = []
    for message in entries(ours(locale)):
        before, after = (
            Counter(TEXT_ATTRIBUTE.sub("", tag) for tag in TAG.findall(text))
            for text in (english(message), said(message))
        )
        if said(message) and before != after:
            wrong.append((message.id, said(message)))
    assert wrong == []


def test_no_english_and_no_foreign_script_is_left() -> None:
    wrong = []
    for message in entries(ours("zh_Hans_CN")):
        text = html.unescape(CODE.sub(" ", FIELD.sub(" ", said(message))))
        words = [word for word in WORD.findall(text) if word not in LATIN]
        if words or FOREIGN.search(text):
            wrong.append((message.id, said(message), words))
    assert wrong == []


@pytest.mark.parametrize("locale", LOCALES)
def test_entries_are_final_unique_and_sorted(locale: str) -> None:
    catalog = entries(ours(locale))
    raw = (I18N / locale / "LC_MESSAGES" / "ckanext-hljshare.po").read_text("utf-8")
    keys = [(key(message)[1], message.context or "") for message in catalog]
    assert [message.id for message in catalog if message.fuzzy] == []
    assert "\n#~" not in raw
    assert len(re.findall(r"^msgid ", raw, re.MULTILINE)) == len(keys) + 1
    assert keys == sorted(keys)


def test_every_entry_of_ours_says_something() -> None:
    assert [m.id for m in entries(ours("zh_Hans_CN")) if not said(m).strip()] == []


def test_english_changes_only_messages_that_exist() -> None:
    """Known ones, or Chinese that the configuration holds, such as the site's name."""
    known = shown()
    unknown = [k for k in map(key, entries(ours("en"))) if k not in known]
    assert [msgid for _, msgid in unknown if msgid.isascii()] == []


@pytest.mark.parametrize("locale", LOCALES)
def test_the_compiled_catalog_answers(locale: str) -> None:
    catalog = ours(locale)
    compiled = io.BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    translations = gettext.GNUTranslations(compiled)
    for message in entries(catalog):
        if message.context or not said(message):
            continue
        if isinstance(message.id, str):
            assert translations.gettext(message.id) == said(message)
        else:
            one, many = message.id
            assert translations.ngettext(one, many, 2) == said(message)


def test_counts_are_chinese_whatever_plugin_is_loaded_last() -> None:
    """flask-babel takes the last plugin's plural rule: English if it has no Chinese (harvest).

    So each counted message, CKAN's own too, stands in our catalog with two equal forms.
    """
    mine = {key(m): tuple(m.string or ()) for m in entries(ours("zh_Hans_CN")) if m.pluralizable}
    counted = {key(m) for m in entries(ckans()) if m.pluralizable and not only_in_examples(m)}
    assert counted - mine.keys() == set()
    assert [forms for forms in mine.values() if len(forms) != 2 or len(set(forms)) != 1] == []


@pytest.mark.parametrize("word", ["组件", "登陆", "登出", "资料集", "搜索", "你"])
def test_words_that_are_not_ours_are_not_shown(word: str) -> None:
    """CKAN's Chinese mixes these with 数据集, 登录, 退出, 检索, 您; a visitor sees one of each."""
    assert [text for text in shown().values() if word in text] == []


def test_an_organization_is_always_called_the_same() -> None:
    """机构 in all that CKAN itself says; 组织 is the third kind of applicant, not an agency."""
    theirs = {key(message) for message in entries(ckans())}
    assert [text for k, text in shown().items() if k in theirs and "组织" in text] == []
