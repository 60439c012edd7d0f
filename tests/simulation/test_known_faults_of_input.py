"""Known faults, as in ``test_known_faults.py``: what training does with images that is not as expected."""

from tests.simulation import runs
from tests.simulation.history import History
from tests.simulation.model_steps import Train
from tests.simulation.scripts import begun, fault
from tests.simulation.steps import Wait
from tests.simulation.world import BUCKET, LABELLED, World


def labelled(world: World, label: str, count: int) -> None:
    for number in range(count):
        world.label(label, f"new-{number}", 1000 + number)


def checked(history: History) -> list[str]:
    """Run a training check to its end; return the keys that were trained."""
    runs.trigger_training(history.world)
    history.do(Train(20), Wait(4000.0), Train(20), Wait(700.0), Train(20))
    trainings = history.world.rekognition.trainings
    return sorted(key for key, _, _ in trainings[-1].training_set) if trainings else []


@fault("5", "one labelled image of many has the storage class GLACIER")
def test_an_archived_image_is_left_out_of_a_training() -> None:
    history = begun()
    labelled(history.world, "cat", 4)
    history.world.s3.archive(BUCKET, f"{LABELLED}cat/new-0.png")
    assert len(checked(history)) == 7


@fault("5", "a trained image is archived, and others are new")
def test_an_image_that_is_archived_after_it_was_trained_is_left_out() -> None:
    history = begun()
    labelled(history.world, "cat", 4)
    assert len(checked(history)) == 8
    history.world.s3.archive(BUCKET, f"{LABELLED}cat/new-0.png")
    labelled(history.world, "dog", 4)
    assert len(checked(history)) == 11


@fault("3", "the images of a rejected training are copied onto themselves")
def test_images_copied_onto_themselves_train_nothing_again() -> None:
    history = begun()
    labelled(history.world, "cat", 4)
    history.world.rekognition.next_f1 = 0.1
    assert checked(history)
    history.do(Wait(60.0))
    for image in history.world.objects(LABELLED):
        history.world.s3.put(BUCKET, image.key, image.body)
    checked(history)
    assert len(history.world.rekognition.trainings) == 1


@fault("5", "one answer adds a label with a single image")
def test_a_label_with_a_single_image_holds_up_no_other() -> None:
    history = begun()
    labelled(history.world, "cat", 4)
    labelled(history.world, "owl", 1)
    assert len(checked(history)) == 8
