"""Resource codes: one for each public dataset, never twice, never changed, whoever writes."""

from __future__ import annotations

import threading

import ckan.model as model
import ckan.plugins.toolkit as tk
import pytest
from ckan.tests import factories
from ckan.tests.helpers import call_action

from ckanext.hljshare.catalog import allocation
from ckanext.hljshare.catalog.model import ResourceCodeRow

CLASS = "3070230100001"


def numbers(class_code=CLASS):
    model.Session.rollback()
    query = model.Session.query(ResourceCodeRow.sequence).filter_by(class_code=class_code)
    return sorted(row.sequence for row in query)


def test_numbers_follow_each_other_within_a_provider(make_dataset):
    codes = [make_dataset()["resource_code"] for _ in range(3)]
    assert [code.partition("/")[2] for code in codes] == ["000001", "000002", "000003"]
    other = factories.Organization(name="harbin-tjj", title="哈尔滨市统计局")
    assert make_dataset(owner_org=other["id"])["resource_code"] == "3070230000002/000001"


def test_a_code_never_changes_and_survives_an_update_that_leaves_it_out(make_dataset):
    made = make_dataset()
    with pytest.raises(tk.ValidationError) as raised:
        call_action("package_patch", id=made["id"], resource_code="3070230000001/000077")
    assert list(raised.value.error_dict) == ["resource_code"]
    del made["resource_code"]
    made["catalog_class"] = "201"
    assert call_action("package_update", **made)["resource_code"] == "3070230000001/000001"


def test_a_code_from_a_city_is_kept_if_it_is_well_formed_and_free(make_dataset):
    given = "3070510600ABC/000123"
    assert make_dataset(resource_code=given)["resource_code"] == given
    for bad in (given, "3070510600ABC/123", "307/1", "4070230000001/1", "深圳_1"):
        with pytest.raises(tk.ValidationError) as raised:
            make_dataset(resource_code=bad)
        assert list(raised.value.error_dict) == ["resource_code"]


def test_a_given_number_leaves_no_gap_and_is_not_given_again(make_dataset):
    make_dataset()
    make_dataset(resource_code="3070230000001/000003")
    codes = [make_dataset()["resource_code"][-1] for _ in range(2)]
    assert codes == ["2", "4"]


def test_the_code_of_a_purged_dataset_is_not_given_again(make_dataset):
    first = make_dataset()
    call_action("dataset_purge", id=first["id"])
    assert make_dataset()["resource_code"].endswith("/000002")


def take(session_count: int, each: int, keep) -> None:
    """Several connections allocate at once; `keep(n)` says whether the n-th one commits."""
    start = threading.Barrier(session_count)
    errors: list[BaseException] = []

    def write(writer: int) -> None:
        try:
            start.wait(timeout=20)
            for turn in range(each):
                sequence = allocation.next_sequence(CLASS)
                model.Session.add(
                    ResourceCodeRow(
                        package_id=f"{writer}-{turn}",
                        org_id="org",
                        class_code=CLASS,
                        sequence=sequence,
                        code=f"{CLASS}/{sequence:06d}",
                        allocated=True,
                    )
                )
                model.Session.flush()
                if keep(writer):
                    model.Session.commit()
                else:
                    model.Session.rollback()
        except BaseException as error:
            errors.append(error)
        finally:
            model.Session.remove()

    threads = [threading.Thread(target=write, args=(n,)) for n in range(session_count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not errors


@pytest.mark.usefixtures("clean_db")
def test_writers_at_the_same_time_leave_no_gap_and_no_duplicate():
    take(4, 10, keep=lambda writer: True)
    assert numbers() == list(range(1, 41))


@pytest.mark.usefixtures("clean_db")
def test_a_rollback_gives_the_number_back():
    take(4, 10, keep=lambda writer: writer % 2 == 0)
    assert numbers() == list(range(1, 21))


@pytest.mark.usefixtures("clean_db")
def test_a_second_writer_waits_for_the_first_to_end():
    allocation.next_sequence(CLASS)
    got: list[int] = []

    def second() -> None:
        got.append(allocation.next_sequence(CLASS))
        model.Session.rollback()
        model.Session.remove()

    thread = threading.Thread(target=second)
    thread.start()
    thread.join(timeout=1)
    assert thread.is_alive()
    assert got == []
    model.Session.rollback()
    thread.join(timeout=20)
    assert got == [1]
