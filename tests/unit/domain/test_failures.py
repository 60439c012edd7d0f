"""How often what a listing found has failed: counted by object, bounded, and nothing is counted in an outage."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from label_loop.domain.failures import failed_object_id, failure_text, put_aside_ids, with_failures
from label_loop.payloads import S3Upload

ITEM = S3Upload("b", "a2i-human-loop-data/x/output.json", "e", "v1")


def test_an_object_is_put_aside_at_its_fifth_failure():
    known = ()
    for tries in range(1, 6):
        known = with_failures(known, {"a": f"failure {tries}"})
        assert put_aside_ids(known) == ({"a"} if tries == 5 else set())
    (failed,) = known
    assert (failed.tries, failed.text) == (5, "failure 5")


def test_others_keep_their_count():
    known = with_failures(with_failures((), {"a": "x", "b": "x"}), {"b": "y"})
    assert [(one.id, one.tries, one.text) for one in known] == [("a", 1, "x"), ("b", 2, "y")]


def test_an_object_that_is_written_again_is_another_one():
    ids = {
        failed_object_id(ITEM, "2026-11-23T09:00:00+00:00"),
        failed_object_id(ITEM, "2026-11-23T09:00:01+00:00"),
        failed_object_id(replace(ITEM, etag="other"), "2026-11-23T09:00:00+00:00"),
        failed_object_id(replace(ITEM, key="other"), "2026-11-23T09:00:00+00:00"),
    }
    assert len(ids) == 4


def test_by_either_listing_it_is_the_same_one():
    moment = "2026-11-23T09:00:00+00:00"
    assert failed_object_id(ITEM, moment) == failed_object_id(replace(ITEM, version_id=None), moment)


def test_what_fails_all_at_once_is_not_held_against_any():
    many = {str(n): "no connection" for n in range(21)}
    assert with_failures((), many) == ()
    few = dict(list(many.items())[:20])
    assert len(with_failures((), few)) == 20


@given(st.lists(st.dictionaries(st.sampled_from([str(n) for n in range(100)]), st.text(), max_size=20), max_size=30))
def test_what_is_kept_is_bounded_and_never_twice(runs):
    known = ()
    for failures in runs:
        known = with_failures(known, failures)
        ids = [failed.id for failed in known]
        assert len(ids) == len(set(ids)) <= 50
        assert set(failures) <= set(ids)


def test_the_text_names_the_object_and_is_bounded():
    assert failure_text("k", "r") == "k: r"
    assert len(failure_text("k" * 1024, "r" * 1000)) == 400
