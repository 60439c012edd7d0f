"""Images that no label fits: filed apart, and from twenty on trained as a class of their own."""

from collections import Counter

from tests.integration.pictures import FRESH_DIGITS, TRAINING_DIGITS, png
from tests.integration.site import events
from tests.integration.world import World

from label_loop.payloads import NONE_FOLDER, NONE_OF_THE_ABOVE

FOLDER = f"{NONE_FOLDER}{NONE_OF_THE_ABOVE}/"


def trained(world: World, run_id: str) -> Counter[str]:
    attempt = world.training().prepare(resume=False, forced=True, run_id=run_id)
    assert attempt
    return Counter(image.label for image in world.training().training_set.in_manifest(attempt.manifest_key))


def test_an_image_that_no_label_fits_is_filed_apart(world: World) -> None:
    world.set_variable("Minimum-Label-Detection-Confidence", "100")
    world.upload("odd.png", FRESH_DIGITS[0].body)
    world.detect()
    world.answer(NONE_OF_THE_ABOVE)
    assert world.review().copied == 1
    (row,) = world.rows()
    assert row["CopiedS3ObjectKey"].startswith(f"{FOLDER}odd-")
    assert world.keys(FOLDER) == [row["CopiedS3ObjectKey"]]


def test_it_is_not_filed_if_the_loop_is_told_so(world: World) -> None:
    world.set_variable("Train-None-Of-The-Above", "false")
    world.set_variable("Minimum-Label-Detection-Confidence", "100")
    world.upload("odd.png", FRESH_DIGITS[0].body)
    world.detect()
    world.answer(NONE_OF_THE_ABOVE)
    assert world.review().answered == 1
    assert world.keys(FOLDER) == []


def test_twenty_of_them_train_beside_the_labels(bare: World) -> None:
    bare.label(TRAINING_DIGITS[:20])
    for number in range(19):
        bare.put(f"{FOLDER}{number}.png", png(number))
    assert trained(bare, "few")[NONE_OF_THE_ABOVE] == 0
    (manifest,) = events(bare.told(), "manifest")
    assert "19 different images of at least 20" in manifest["body"]["left_out"][NONE_FOLDER]
    bare.put(f"{FOLDER}19.png", png(19))
    counted = trained(bare, "enough")
    assert (counted[NONE_OF_THE_ABOVE], counted.total()) == (20, 40)
    bare.set_variable("Train-None-Of-The-Above", "false")
    assert trained(bare, "off").total() == 20
