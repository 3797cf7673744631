"""How a typed question is read: no service needed."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckanext.hljshare.catalog import search
from ckanext.hljshare.catalog.search_query import SolrQuery, build, chunks, prefix, relax
from ckanext.hljshare.catalog.search_text import (
    GENERIC,
    SYNONYMS,
    fold,
    key,
    read_synonyms,
    segments,
    simplified,
    syllables,
    tokens,
    untoned,
    words,
)

ANY_TEXT = st.text(max_size=60)
SEARCHED = re.compile(r"(hlj_\w+|text|\*):")


def _texts(q: str) -> list[str]:
    return [chunk.text for chunk in chunks(q)]


class TestReading:
    """Folding and cutting."""

    @pytest.mark.parametrize(
        ("typed", "folded"),
        [
            ("空氣質量", "空气质量"),
            ("ＰＭ２．５", "pm2.5"),
            ("  A级\t景区 ", "a级 景区"),
            ("ＧＤＰ（２０２３）", "gdp(2023)"),
            ("公\u200b交", "公 交"),
            (None, ""),
        ],
    )
    def test_width_case_and_traditional_forms_fold(self, typed, folded):
        assert fold(typed) == folded

    @given(ANY_TEXT)
    def test_folding_twice_changes_nothing_that_is_searched(self, text):
        assert tokens(fold(fold(text))) == tokens(fold(text))

    def test_conversion_keeps_each_character_in_its_place(self):
        common = "".join(map(chr, range(0x4E00, 0x9FFF)))
        assert len(simplified(common)) == len(common)

    def test_tones_may_be_typed(self):
        assert untoned("gōngjiāo lǚyóu") == "gongjiao lvyou"

    def test_readings_follow_the_word(self):
        assert syllables("银行行长2023年") == ("yin", "hang", "hang", "zhang", "2023", "nian")

    @pytest.mark.parametrize(
        ("typed", "parts"),
        [
            ("哈尔滨公交线路", ["哈尔滨", "公交", "线路"]),
            ("齐齐哈尔市医保定点", ["齐齐哈尔市", "医保", "定点"]),
            ("a级景区", ["a级", "景区"]),
            ("2019年", ["2019", "年"]),
            ("business", ["business"]),
            ("pm2.5监测", ["pm2.5", "监测"]),
        ],
    )
    def test_known_words_are_cut_out(self, typed, parts):
        assert segments(typed, words()) == parts

    @given(ANY_TEXT)
    def test_cutting_loses_nothing(self, text):
        for chunk in chunks(text):
            assert "".join(segments(chunk.text, words())) == chunk.text

    def test_quotes_keep_a_phrase_together(self):
        assert _texts('"公交 线路" 哈尔滨') == ["公交 线路", "哈尔滨"]

    def test_punctuation_divides_and_disappears(self):
        assert _texts("停车场（库）、备案；2023—2025年") == [
            "停车场",
            "库",
            "备案",
            "2023",
            "2025年",
        ]

    def test_codes_stay_whole(self):
        assert _texts("3070230100012/000001 PM2.5") == ["3070230100012/000001", "pm2.5"]

    def test_an_apostrophe_in_pinyin_is_nothing(self):
        assert _texts("xi'an") == ["xian"]

    def test_a_title_key_ignores_blanks_and_punctuation(self):
        assert key("停车场（库）备案 信息") == key("停车场库备案信息")


class TestSynonyms:
    """The synonyms file."""

    def test_it_has_at_least_a_hundred_lines_that_all_read(self):
        lines = [x for x in SYNONYMS.read_text("utf-8").splitlines() if x and x[0] != "#"]
        assert len(lines) >= 100
        assert len(read_synonyms(lines)) > 300

    @pytest.mark.parametrize(
        ("word", "other"),
        [("公交", "公共汽车"), ("社保", "社会保险"), ("医保", "医疗保险"), ("医保", "医疗保障"),
         ("地铁", "轨道交通"), ("空气质量", "大气质量"), ("gdp", "地区生产总值")],
    )  # fmt: skip
    def test_both_words_find_each_other(self, word, other):
        assert other in words().synonyms[word]
        assert word in words().synonyms[other]

    def test_an_arrow_works_one_way(self):
        read = read_synonyms(["飞机 => 航班"])
        assert read == {"飞机": ("航班",)}

    def test_a_line_that_says_nothing_is_an_error(self):
        with pytest.raises(ValueError, match="line 2"):
            read_synonyms(["# ok", "公交"])

    def test_no_word_is_both_generic_and_a_synonym(self):
        assert not GENERIC & set(words().synonyms)

    def test_a_synonym_inside_a_longer_run_is_used(self):
        assert '"公 共 汽 车"' in build("哈尔滨公交线路")


class TestQuery:
    """The query for Solr."""

    @given(ANY_TEXT)
    def test_whatever_is_typed_is_quoted(self, q):
        """Outside of phrases only the portal's own fields and Solr's operators remain."""
        query = build(q)
        bare = re.sub(r'"[^"\\]*"', '""', str(query))
        assert bare.count('"') % 2 == 0
        assert "{!" not in bare
        assert "\\" not in bare
        for name in re.findall(r"([^\s():+\-^\[\]]+):", bare):
            assert SEARCHED.fullmatch(f"{name}:"), name
        depth = 0
        for character in bare:
            depth += {"(": 1, ")": -1}.get(character, 0)
            assert depth >= 0
        assert depth == 0

    @given(ANY_TEXT)
    def test_helps_never_fail(self, q):
        assert isinstance(prefix(q), SolrQuery)
        assert all(isinstance(tried.query, SolrQuery) for tried in relax(q))

    @pytest.mark.parametrize("q", ["", " ", "*", "*:*", '""'])
    def test_nothing_typed_finds_everything(self, q):
        assert build(q) == "*:*"

    @pytest.mark.parametrize("q", ["，。", "()", "!!", "?"])
    def test_only_punctuation_finds_nothing(self, q):
        assert build(q) == "(*:* -*:*)"

    def test_every_word_is_required(self):
        assert build("公交 票价").count("+(hlj_title") >= 2

    def test_a_loose_noun_is_not_required(self):
        assert '+(hlj_title:"数 据"' not in build("公交 数据")

    def test_letters_are_also_pinyin_and_initials(self):
        query = build("gjxl")
        assert "hlj_initials:gjxl" in query
        assert "hlj_pinyin:gjxl" in query

    def test_a_very_long_question_is_cut(self):
        assert len(chunks("公交 " * 500)) <= 12


class TestGates:
    """What an ordinary user may ask of Solr."""

    @pytest.mark.parametrize(
        "fq",
        [
            'res_url:"http://x"', "res_url:*", "extras_held_reason:*", "permission_labels:public",
            "data_dict:*", "validated_data_dict:*s*", "{!term f=res_url}x", "title:x res_url:y",
            "res_url :x", "res\\_url:x", "/**/res_url:x", "-res_url:a*", "(+(res_url:[a TO z]))",
            "title:[a TO z] OR res_url:[a TO z]", '_query_:"{!func}1"', "*:* -res_url:a",
            "urls:x", "hlj_pinyin:x", 'title:"a" AND "b" OR download_url:*', "filter(res_url:x)",
        ],
    )  # fmt: skip
    def test_hidden_fields_cannot_be_asked(self, fq):
        if fq.startswith("*:*"):
            fq = fq.replace("*:*", "title:*")
        with pytest.raises(search.BadSearchError):
            search.params({"q": "", "fq": fq})
        with pytest.raises(search.BadSearchError):
            search.params({"q": "", "fq_list": [fq]})
        assert search.params({"q": fq})["q"] != fq

    @pytest.mark.parametrize(
        "fq",
        [
            "", '+organization:"hlj-tjj"', 'owner_org:"a" +dataset_type:dataset', "tags:(a OR b)",
            "metadata_modified:[2019-01-01T00:00:00Z TO NOW]", 'hljshare_theme:"transport"',
            '+capacity:public +state:(active OR draft)', '-dataset_type:harvest',
            'hljshare_org_path:"harbin"', 'title:"a: b"', "vocab_x:y",
        ],
    )  # fmt: skip
    def test_what_the_pages_ask_passes(self, fq):
        assert search.params({"q": "", "fq": fq})["fq"] == fq

    def test_the_trusted_may_ask_anything(self):
        assert (
            search.params({"q": "res_url:*", "fq": "res_url:*"}, trusted=True)["q"] == "res_url:*"
        )

    def test_a_question_with_a_colon_is_text(self):
        assert "hlj_title" in search.params({"q": "时间：2019"})["q"]

    def test_fields_of_the_list_may_stand_in_a_question(self):
        assert search.params({"q": 'title:"公交"'})["q"] == 'title:"公交"'

    def test_parameters_that_compute_are_dropped(self):
        asked = {
            "q": "",
            "boost": "exists(res_url)",
            "bf": "x",
            "qf": "res_url",
            "defType": "lucene",
        }
        assert not set(search.params(asked)) & set(search.CLOSED_PARAMETERS)

    def test_returned_fields_and_facets_are_held_to_the_list(self):
        asked = {
            "q": "",
            "fl": ["title", "validated_data_dict"],
            "facet.field": '["tags","res_url"]',
        }
        found = search.params(asked)
        assert found["fl"] == ["title"]
        assert found["facet.field"] == ["tags"]

    @pytest.mark.parametrize(
        ("sort", "kept"),
        [
            ("title_string asc", "title_string asc"),
            ("metadata_modified DESC, res_url asc", "metadata_modified desc"),
            ("if(exists(query({!v='res_url:x'})),1,2) asc", None),
        ],
    )
    def test_sorting_is_held_to_the_list(self, sort, kept):
        assert search.params({"q": "", "sort": sort})["sort"] == kept

    def test_a_query_of_the_portal_passes_and_a_string_cannot_pretend(self):
        assert search.params({"q": SolrQuery("hlj_pinyin:x")})["q"] == "hlj_pinyin:x"
        assert search.params({"q": "hlj_pinyin:x"})["q"] != "hlj_pinyin:x"


class TestHighlight:
    """Marks in results."""

    @staticmethod
    def _marked(text: str, q: str) -> list[str]:
        return [piece for piece, marked in search.highlight(text, q) if marked]

    @pytest.mark.parametrize(
        ("text", "q", "marked"),
        [
            ("哈尔滨市公交线路信息", "公交", ["公交"]),
            ("哈尔滨市公交线路信息", "哈尔滨公交", ["哈尔滨", "公交"]),
            ("哈尔滨市空气质量", "空氣質量", ["空气质量"]),
            ("PM2.5监测", "ｐｍ２．５", ["PM2.5"]),
            ("鸡西市城市公共汽车线路", "公交", ["公共汽车"]),
            ("Bus lines", "BUS", ["Bus"]),
            ("轨道交通（地铁）客运量", "地铁", ["地铁"]),
            ("无关", "公交", []),
            ("公交", "", []),
        ],
    )
    def test_what_was_asked_is_marked(self, text, q, marked):
        assert self._marked(text, q) == marked

    @given(ANY_TEXT, ANY_TEXT)
    def test_the_pieces_joined_are_the_text(self, text, q):
        assert "".join(piece for piece, _ in search.highlight(text, q)) == text


class TestIndex:
    """What of a dataset is searched."""

    DATASET = {
        "id": "1",
        "name": "harbin-0123456789ab",
        "title": "哈尔滨市公交線路",
        "notes": "起点、终点",
        "theme": "transport",
        "open_type": "on_request",
        "region_code": "230100",
        "held_reason": "机密原因",
        "contact_phone": "0451-1",
        "resources": [{"name": "线路.csv", "format": "csv", "url": "https://vault.example/secret"}],
        "items": [{"name": "票价", "field": "pj"}],
        "data_updated": "2025-03-01",
    }

    def _document(self, **more):
        top = {"name": "hlj", "title": "黑龙江省", "region_code": "230000"}
        own = {"name": "harbin-jtysj", "title": "哈尔滨市交通运输局", "region_code": "230100"}
        above = [top, own]
        plain = {
            "id": "1", "title": "x", "res_url": ["https://vault.example/secret"], "items": "[]",
            "extras_held_reason": "机密原因", "url": "u", "data_dict": "{}",
        }  # fmt: skip
        return search.index_fields(plain, {**self.DATASET, **more}, above)

    def test_no_address_or_inner_remark_is_in_the_document(self):
        document = {k: v for k, v in self._document().items() if k != "data_dict"}
        assert "vault.example" not in str(document)
        assert "机密" not in str(document)
        assert "0451" not in str(document)
        assert not set(document) & {"res_url", "url", "items", "extras_held_reason"}

    def test_facets_hold_codes_and_names(self):
        document = self._document()
        assert document["hljshare_theme"] == "transport"
        assert document["hljshare_city"] == "230100"
        assert document["hljshare_region"] == ["230000", "230100"]
        assert document["hljshare_agency"] == "harbin-jtysj"
        assert document["hljshare_org_path"] == ["hlj", "harbin-jtysj"]
        assert document["hljshare_format"] == ["CSV"]

    def test_a_dataset_without_region_takes_that_of_its_organization(self):
        assert self._document(region_code="")["hljshare_city"] == "230100"

    def test_items_agency_and_theme_are_searched(self):
        text = " ".join(self._document()["text"])
        for word in ("票价", "交通运输局", "道路交通", "哈尔滨市", "公交线路", "起点"):
            assert word in text

    def test_dates_are_in_utc_and_a_wrong_one_falls_back(self):
        assert self._document()["hlj_updated"] == "2025-03-01T00:00:00Z"
        fallback = self._document(data_updated="soon", metadata_modified="2024-01-02T03:04:05.6")
        assert fallback["hlj_updated"] == "2024-01-02T03:04:05Z"

    def test_initials_of_known_words_stand_apart(self):
        assert "gj" in self._document()["hlj_initials_words"]
