"""Sets up a fresh stack, the loop's resources, and an Airflow that serves the loop's DAGs."""

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
    """Stop this stack, delete its data and start it again; return what had to be stopped. Does not wait for Airflow."""
    stopped = stack.stop()
    stack.check_ports()
    remove_state(stack.settings.home)
    # Long enough to be visible, and short enough to have ended when the sensor first checks.
    os.environ.setdefault("LOCAL_AWS_TRAINING_SECONDS", "2")
    stack.start_endpoint()
    stack.start_airflow()
    return stopped


def set_up_loop(scene: Scene) -> None:
    """Create the loop's resources, and upload the test set with which every version is evaluated."""
    with scene.narrator.step("The loop's AWS resources") as step:
        scene.aws.provision(scene.cast.labels, lambda line: step.show(f"{line.outcome} {line.kind}"))
        scene.aws.put_parameter("Minimum-Inference-Units", INFERENCE_UNITS)
    upload(scene, "Test images, never trained with", by_label(TEST_FOLDER, scene.cast.testing))


def wait_for_airflow(scene: Scene) -> None:
    """Wait until Airflow runs, has parsed the DAGs, and has the parameters as Variables."""
    with scene.narrator.step("Airflow starts") as step:
        scene.patience.until(
            "Airflow to be healthy",
            lambda: Seen(scene.stack.airflow_is_healthy(), "its components start"),
            step=step,
            timeout_seconds=BOOT_SECONDS,
        )
    with scene.narrator.step("Airflow parses the DAGs", len(STATES)) as step:
        scene.patience.until("the DAGs", lambda: _parsed(scene), step=step, timeout_seconds=240)
    with scene.narrator.step("Parameters become Variables", len(PARAMETERS)) as step:
        scene.patience.until("the Variables", lambda: _synced(scene), step=step, timeout_seconds=240)
    units = scene.airflow.variable(scene.loop.variable("Minimum-Inference-Units"))
    scene.expect(units == INFERENCE_UNITS, f"The Variable of Minimum-Inference-Units is {units}.")
    scene.narrator.say(f"  Minimum-Inference-Units = {units} was copied from Parameter Store to the Variable.")


def upload_labelled(scene: Scene) -> None:
    """Upload the labelled images, after the training check that runs by itself when Airflow starts."""
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
    """Return the pictures by their keys, with one folder per label."""
    return {f"{folder}{picture.label}/{picture.name}": picture for picture in pictures}


def upload(scene: Scene, title: str, keys: dict[str, AnyPicture]) -> None:
    """Upload pictures, and show the progress."""
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
