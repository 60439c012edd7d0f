"""Labels and keys become file names that no file system refuses, and that lead nowhere else."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from label_loop.domain.dataset_version import DatasetImage, DatasetRole
from label_loop.domain.file_names import image_path, safe_name


def image(key, label="cat"):
    return DatasetImage(key, label, DatasetRole.CORE, "a" * 64, "")


@given(st.text(), st.text())
def test_every_image_is_inside_the_folder_of_its_role(key, label):
    path = image_path(image(key, label))
    assert path.parts[:2] == ("test", "core")
    assert len(path.parts) == 4
    for part in path.parts:
        assert part not in ("", ".", "..")
        assert part.isprintable()
        assert not set(part) & set('<>:"/\\|?*')
        assert len(part.encode()) <= 255
    assert Path("/out", *path.parts).is_relative_to("/out/test/core")


@pytest.mark.parametrize("name", ["cat", "Füchse", "a.b-c_d (1)", "猫"])
def test_a_safe_name_stays(name):
    assert safe_name(name) == name


@pytest.mark.parametrize(
    "name", ["..", ".", "", "a/b", "a\\b", "a\nb", "CON", "nul.txt", " a", "a.", "x" * 400, "\ud800", "~/../x"]
)
def test_another_name_is_changed_and_has_a_mark_of_its_own(name):
    assert safe_name(name) != name
    assert safe_name(name) != safe_name(f"{name}!")


def test_equal_names_of_different_folders_are_different_files():
    assert image_path(image("images_for_testing/cat/a.png")) != image_path(image("images_for_testing/Cat/a.png"))
    assert str(image_path(image("images_for_testing/cat/a.png"))).startswith("test/core/cat/a-")
    assert image_path(image("images_for_testing/cat/a.png")).suffix == ".png"
