"""Where an image goes whose label is corrected."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.strategies import HOSTILE_TEXT

from label_loop.domain.corrections import FOLDERS, Corrected, folder_of, target_keys
from label_loop.payloads import LABELLED_FOLDER, NONE_FOLDER, NONE_OF_THE_ABOVE, TEST_FOLDER


@pytest.mark.parametrize(
    ("key", "label", "target"),
    [
        (f"{LABELLED_FOLDER}cat/a b.png", "dog", f"{LABELLED_FOLDER}dog/a b.png"),
        (f"{TEST_FOLDER}cat/human-sample-a.png", "dog", f"{TEST_FOLDER}dog/human-sample-a.png"),
        (f"{TEST_FOLDER}cat/a.png", "none of the above", f"{NONE_FOLDER}{NONE_OF_THE_ABOVE}/a.png"),
        (f"{NONE_FOLDER}{NONE_OF_THE_ABOVE}/a.png", "dog", f"{LABELLED_FOLDER}dog/a.png"),
        (f"{LABELLED_FOLDER}cat/a", "dog", f"{LABELLED_FOLDER}dog/a"),
    ],
)
def test_an_image_keeps_its_name_and_its_role(key, label, target):
    first, second = target_keys(key, label)
    assert first == target
    assert second.startswith(first.removesuffix(".png") + "-")
    assert target_keys(key, label) == (first, second)


@given(
    folder=st.sampled_from(FOLDERS), name=HOSTILE_TEXT.map(lambda name: name.replace("/", "")), times=st.integers(1, 30)
)
def test_keys_fit_into_s3_and_stay_in_one_folder_of_a_label(folder, name, times):
    for target in target_keys(f"{folder}cat/{name * times}.png", "x" * 765):
        assert len(target.encode()) <= 1024
        assert folder_of(target)
        assert target.count("/") == 2


def test_two_images_of_one_name_get_different_second_keys():
    keys = {target_keys(f"{LABELLED_FOLDER}{label}/1.png", "dog")[1] for label in ("cat", "owl")}
    assert len(keys) == 2


def test_what_was_done_is_told_in_one_line():
    assert str(Corrected("a", "b", "dog", ("c", "d"), is_kept=False)) == (
        "a is b now; the same image is also c, d: correct it there, too; the loop has no table of labels to keep this "
        "in: provision it again"
    )
    assert str(Corrected("a", None, "")) == "a was removed"
