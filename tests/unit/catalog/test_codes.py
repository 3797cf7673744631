"""The shape of resource codes."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckanext.hljshare.catalog import codelists, codes

REGIONS = st.sampled_from(codelists.codes("region"))
CLASSES = st.sampled_from([code for code in codelists.codes("classification") if len(code) == 3])


@given(CLASSES, REGIONS, st.integers(1, 999), st.integers(1, 10**12 - 1))
def test_what_is_built_is_well_formed_and_reads_back(catalog_class, region, provider, sequence):
    class_code = codes.class_code(catalog_class, region, provider)
    parsed = codes.parse(codes.build(class_code, sequence))
    assert parsed
    assert (parsed.class_code, parsed.sequence) == (class_code, sequence)
    assert class_code.startswith(catalog_class)


@given(
    st.tuples(CLASSES, REGIONS, st.integers(1, 999)),
    st.tuples(CLASSES, REGIONS, st.integers(1, 999)),
)
def test_two_providers_never_share_a_class_code(first, second):
    assert (codes.class_code(*first) == codes.class_code(*second)) is (first == second)


@given(st.text())
def test_nothing_but_the_pattern_of_the_guide_is_read(text):
    pattern = re.compile(r"^[1-3]\d{2}\d{3}[0-9A-Za-z]*/\d{1,12}$", re.ASCII)
    assert bool(codes.parse(text)) is bool(pattern.match(text) and not text.endswith("\n"))


def test_the_shape_seen_in_other_provinces():
    assert codes.class_code("307", "230100", 12) == "3070230100012"
    assert codes.build("3070230100012", 1) == "3070230100012/000001"
    assert codes.parse("3070510600/000123") == codes.ResourceCode(
        "3070510600", 123, "3070510600/000123"
    )


def test_a_region_may_set_its_own_segments():
    settings = {
        "rules": {"mu": "0{region[:2]}", "ximu": "{region[2:]}{provider}", "sequence_width": 6},
        "overrides": {"230100": {"mu": "101", "ximu": "A{provider}"}},
    }
    assert codes.class_code("307", "230100", 12, settings) == "307101A012"
    assert codes.class_code("307", "230200", 12, settings) == "3070230200012"


def test_a_class_that_holds_its_own_segments_gets_the_provider_only():
    assert codes.class_code("307023AB", "230100", 7) == "307023AB007"


@pytest.mark.parametrize("catalog_class", ["", "3", "309", "407", "人口", "307/1"])
def test_no_code_without_a_class_of_the_list(catalog_class):
    with pytest.raises(ValueError):
        codes.class_code(catalog_class, "230100", 1)


@pytest.mark.parametrize("sequence", [0, -1, 10**12])
def test_numbers_outside_the_pattern_are_refused(sequence):
    with pytest.raises(ValueError):
        codes.build("3070230100012", sequence)


def test_a_code_in_an_address_has_no_slash():
    assert codes.slug("307023AB/1") == "hlj-307023ab-1"
