"""A fresh stack, the loop's resources, and Airflow that knows its DAGs."""

import os
from collections.abc import Sequence

from demo.fresh import remove_state
from demo.pictures import AnyPicture
from demo.scene import STATES, Scene
from demo.waiting import Seen
from label_loop.parameters import PARAMETERS
from label_loop.payloads import LABELLED_FOLDER, TEST_FOLDER
from local_stack.stack import LocalStack

BOOT_SECONDS = 420
INFERENCE_UNITS = "5"


def begin(stack: LocalStack) -> list[str]:
    """Stop and forget what this stack had, start anew; return what had to be stopped. Airflow boots on meanwhile."""
    stopped = stack.stop()
    stack.check_ports()
    remove_state(stack.stack.home)
    # Long enough to be seen, and short enough that a training has ended when it is first looked at.
    os.environ.setdefault("LOCAL_AWS_TRAINING_SECONDS", "2")
    stack.start_endpoint()
    stack.start_airflow()
    return stopped


def set_up_loop(scene: Scene) -> None:
    """Make the loop's resources, and upload the test set that every version is measured with."""
    with scene.narrator.step("The loop's AWS resources") as step:
        scene.aws.provision(scene.cast.labels, lambda line: step.show(f"{line.outcome} {line.kind}"))
        scene.aws.put_parameter("Minimum-Inference-Units", INFERENCE_UNITS)
    upload(scene, "Test images, held out for good", by_label(TEST_FOLDER, scene.cast.testing))


def wait_for_airflow(scene: Scene) -> None:
    """Wait until Airflow runs, has parsed the DAGs, and has the parameters as Variables."""
    with scene.narrator.step("Airflow boots") as step:
        scene.patience.until(
            "Airflow to be healthy",
            lambda: Seen(scene.stack.airflow_is_healthy(), "its components start"),
            step=step,
            timeout_seconds=BOOT_SECONDS,
        )
    with scene.narrator.step("Airflow parses the five DAGs", len(STATES)) as step:
        scene.patience.until("the five DAGs", lambda: _parsed(scene), step=step, timeout_seconds=240)
    with scene.narrator.step("Parameters become Variables", len(PARAMETERS)) as step:
        scene.patience.until("the Variables", lambda: _synced(scene), step=step, timeout_seconds=240)
    units = scene.airflow.variable(scene.loop.variable("Minimum-Inference-Units"))
    scene.expect(units == INFERENCE_UNITS, f"The Variable of Minimum-Inference-Units is {units}.")
    scene.narrator.say(f"  Parameter Store's Minimum-Inference-Units = {units} is the Variable's value, too.")


def upload_labelled(scene: Scene) -> None:
    """Upload the few images with labels. Training checks once by itself as Airflow begins: let that pass first."""
    training = scene.loop.dag_id("training")
    with scene.narrator.step("The first training check") as step:
        scene.patience.until(
            "the first training check",
            lambda: Seen(
                bool(runs := scene.airflow.latest_runs(training)) and all(run.ended for run in runs),
                "nothing to train with yet",
            ),
            step=step,
            timeout_seconds=240,
        )
    upload(scene, "Labelled images", by_label(LABELLED_FOLDER, scene.cast.labelled))


def by_label(folder: str, pictures: Sequence[AnyPicture]) -> dict[str, AnyPicture]:
    """Return the pictures by their keys in a folder for each label."""
    return {f"{folder}{picture.label}/{picture.name}": picture for picture in pictures}


def upload(scene: Scene, title: str, keys: dict[str, AnyPicture]) -> None:
    """Upload with a bar."""
    with scene.narrator.step(title, len(keys)) as step:
        scene.aws.upload(keys, lambda count: step.show("uploaded", count))


def _parsed(scene: Scene) -> Seen:
    known = sum(scene.airflow.knows(scene.loop.dag_id(state)) for state in STATES)
    errors = scene.airflow.import_errors()
    scene.expect(not errors, f"A DAG file cannot be parsed: {'; '.join(errors)}")
    return Seen(known == len(STATES), "parsed", known)


def _synced(scene: Scene) -> Seen:
    there = sum(scene.airflow.variable(scene.loop.variable(name)) is not None for name in PARAMETERS)
    return Seen(there == len(PARAMETERS), "written", there)
