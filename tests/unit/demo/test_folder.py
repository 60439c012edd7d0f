import io
from pathlib import Path

import pytest
from PIL import Image

from sample_images.folder import TooFewPicturesError, pictures


def _file(kind: str, side: int = 64) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (side, side)).save(file, kind)
    return file.getvalue()


def _make(folder: Path, counts: dict[str, int]) -> Path:
    for label, count in counts.items():
        (folder / label).mkdir()
        for n in range(count):
            kind, suffix = ("PNG", "png") if n % 2 else ("JPEG", "JPG")
            (folder / label / f"{n} of ü.{suffix}").write_bytes(_file(kind))
    return folder


def test_each_folder_is_a_label_and_names_are_never_shared(tmp_path: Path) -> None:
    folder = _make(tmp_path, {"cats": 3, "dogs and ü": 4})
    (folder / "cats" / "notes.txt").write_text("no picture")
    (folder / "stray.png").write_bytes(_file("PNG"))
    found = pictures(folder, 3)
    assert [picture.label for picture in found] == ["cats"] * 3 + ["dogs and ü"] * 4
    assert len({picture.name for picture in found}) == 7
    assert {picture.name[-4:] for picture in found} == {".png", ".jpg"}
    assert all(Image.open(io.BytesIO(picture.body)).size == (64, 64) for picture in found)


def test_a_file_is_a_picture_by_its_content_whatever_its_name(tmp_path: Path) -> None:
    folder = _make(tmp_path, {"cats": 3, "dogs": 0})
    for name in ("a.jfif", "b.JPE", "c"):
        (folder / "dogs" / name).write_bytes(_file("JPEG"))
    assert [picture.label for picture in pictures(folder, 3)] == ["cats"] * 3 + ["dogs"] * 3
    (folder / "dogs" / "c").write_bytes(b"no picture")
    with pytest.raises(TooFewPicturesError, match=r"dogs has 2 \(1 unusable, such as c: not a readable PNG or JPEG"):
        pictures(folder, 3)


def test_too_few_are_told_with_what_is_unusable(tmp_path: Path) -> None:
    folder = _make(tmp_path, {"cats": 3, "dogs": 2})
    (folder / "dogs" / "tiny.png").write_bytes(_file("PNG", side=63))
    with pytest.raises(
        TooFewPicturesError, match=r"at least 3 PNG.*dogs has 2 \(1 unusable, such as tiny.png: 63 x 63"
    ):
        pictures(folder, 3)


def test_one_label_is_too_few(tmp_path: Path) -> None:
    with pytest.raises(TooFewPicturesError, match=r"two folders.*it has 1"):
        pictures(_make(tmp_path, {"cats": 3}), 3)


def test_no_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(TooFewPicturesError, match="is not a folder"):
        pictures(tmp_path / "none", 3)
