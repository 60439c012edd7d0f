"""The endpoint that corrects labels."""

from tests.console.conftest import FROM_THE_CONSOLE
from tests.integration.pictures import png

from label_loop.payloads import LABELLED_FOLDER, NONE_FOLDER, NONE_OF_THE_ABOVE

CAT, DOG = (f"{LABELLED_FOLDER}{label}/1.png" for label in ("cat", "dog"))
PATH = "/label-loop/pages/labels/correct"


def correct(client, **given):
    return client("op").post(PATH, json=given, headers=FROM_THE_CONSOLE)


def test_a_label_is_corrected_by_the_visitor(client, world):
    world.put(CAT, png(1))
    world.put(f"{LABELLED_FOLDER}dog/0.png", png(2))
    answer = correct(client, image=CAT, label="Dog")
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"source": CAT, "target": DOG, "label": "dog", "elsewhere": [], "is_kept": True}
    head = world.client("s3").head_object(Bucket=world.bucket, Key=DOG)
    assert head["Metadata"]["labelled-in"] == "correction"
    assert head["Metadata"]["labelled-by"]
    assert correct(client, image=DOG).json()["target"] == f"{NONE_FOLDER}{NONE_OF_THE_ABOVE}/1.png"


def test_an_image_is_removed(client, world):
    world.put(CAT, png(1))
    assert correct(client, image=CAT, action="remove").json()["target"] is None
    assert CAT not in world.keys(LABELLED_FOLDER)


def test_what_cannot_be_corrected_is_told(client, world):
    answer = correct(client, image=CAT, label="dog")
    assert answer.status_code == 409
    world.put(CAT, png(1))
    answer = correct(client, image=CAT, label="owl")
    assert "not a label of this loop" in answer.text, (answer.status_code, answer.headers)
    assert correct(client, image="", label="dog").status_code == 422
    assert correct(client, image=CAT, action="burn").status_code == 422
