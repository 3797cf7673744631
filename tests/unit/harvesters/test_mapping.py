"""Mapping files: checked before use, laid over what holds for all, and never a place for
secrets.
"""

import pytest
import yaml

from harvesters import mapping

CODELISTS = {
    "open": "open_type",
    "share": "share_type",
    "cycle": "update_cycle",
    "theme": "theme",
    "industry": "industry",
}


@pytest.mark.parametrize("name", mapping.names())
def test_every_mapping_loads_and_names_codes_that_exist(name):
    from ckanext.hljshare.catalog import codelists

    loaded = mapping.load(name)
    for kind, codelist in CODELISTS.items():
        assert set(loaded.codes[kind].values()) <= set(codelists.codes(codelist))
    assert all(
        codelists.find("format_type", code) or code == "API"
        for code in loaded.codes["format"].values()
    )


def test_the_successors_of_renamed_agencies_are_agencies_of_a_city():
    from ckanext.hljshare.paths import SCHEMING

    data = yaml.safe_load((SCHEMING / "organizations.yaml").read_text(encoding="utf-8"))
    titles = {agency["title"] for agency in data["agencies"]["city"]}
    assert set(mapping.load().providers.values()) <= titles


@pytest.mark.parametrize(
    ("words", "where"),
    [
        ("title: 甲\npassword: x\n", "password"),
        ("title: 甲\ncodes: {open: {'1': public}}\n", "codes/open/1"),
        ("title: 甲\ndefaults: {open_type: open}\n", "defaults"),
        ("- 1\n", "top"),
        ("title: [\n", "not YAML"),
    ],
)
def test_a_wrong_mapping_says_where(tmp_path, words, where):
    path = tmp_path / "x.yaml"
    path.write_text(words, encoding="utf-8")
    with pytest.raises(mapping.MappingError, match=where):
        mapping.load_file(path)


def test_a_mappings_name_is_not_a_path():
    with pytest.raises(mapping.MappingError):
        mapping.load("../../etc/passwd")
