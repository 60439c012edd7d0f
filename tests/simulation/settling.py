"""The end of a history: nothing disturbs any more, what waits is done, and the strong promises are checked."""

from tests.simulation import runs
from tests.simulation.clock import CLOCK
from tests.simulation.fakes.rekognition import BILLED, RUNNING, STARTABLE, STOPPING
from tests.simulation.gate import Process
from tests.simulation.promises import Promises, is_filed
from tests.simulation.world import BUCKET, PATH, World, dead_letters_url, queue_url

_ROUNDS = 12
_ROUND_SECONDS = 3700.0  # what is hidden in a queue comes again, and the folders are listed again


def settle(world: World, promises: Promises) -> None:
    """Let everything come to rest. Raises AssertionError where it does not, or where a promise is broken then."""
    world.stop_disturbing()
    world.run(Process("settling", lambda: runs.sync(world)))
    world.edit_store("Idle-Model-Stop-Minutes", "0")
    world.send_dead_letters_again()
    quiet = 0
    for _ in range(_ROUNDS):
        _work(world)
        CLOCK.advance(_ROUND_SECONDS)
        promises.check()
        quiet = quiet + 1 if _is_quiet(world) else 0
        if quiet == 2:  # once more: what was changed in the last round is looked at
            break
    else:
        raise AssertionError(f"the loop does not come to rest: {_what_moves(world)}")
    assert_settled(world)


def _work(world: World) -> None:
    if runs.is_deploying(world, "smoke_test"):  # Airflow goes on with it at once
        world.run(Process("training", lambda: runs.train(world)))
    for work in (runs.sync, runs.collect_reviews, runs.detect, runs.detect, runs.review, runs.review):
        world.run(Process("settling", lambda work=work: work(world)))  # type: ignore[misc]
    world.run(Process("settling", lambda: runs.answer_question(world, "deploy")))
    _let_a_model_serve(world)
    runs.trigger_training(world)
    for _ in range(12):
        world.run(Process("training", lambda: runs.train(world)))
        if not runs.trains(world):
            break
        CLOCK.advance(700)


def _let_a_model_serve(world: World) -> None:
    """Do what a person does who wants uploads to be detected: deploy what can be, or train the first model."""
    endpoint = world.rekognition.versions.get(world.endpoint or "")
    is_asleep = world.state().get("stopped_because") == "idle" and endpoint and endpoint.status in STARTABLE
    if runs.trains(world) or is_asleep or (endpoint and endpoint.status in {*BILLED, STOPPING}):
        return
    others = [version for version in world.rekognition.settled() if version.status in STARTABLE]
    if endpoint and others:
        runs.trigger_training(world, version=(endpoint if endpoint in others else others[-1]).name)
        return
    for label in ("cat", "dog"):
        for number in range(2):
            world.label(label, f"first-{number}", number)
    runs.trigger_training(world, force=True)


def _what_moves(world: World) -> list[str]:
    moves = [purpose for purpose in ("uploads", "answers") if world.sqs.queues[queue_url(purpose)].messages]
    endpoint = world.rekognition.versions.get(world.endpoint or "")
    moves += ["training"] if runs.trains(world) else []
    is_asleep = world.state().get("stopped_because") == "idle"
    moves += [] if endpoint and (endpoint.status == RUNNING or is_asleep) else ["no model"]
    moves += [one.name for one in world.rekognition.settled() if one.status in BILLED and one is not endpoint]
    return moves


def _is_quiet(world: World) -> bool:
    return not _what_moves(world)


# --------------------------------------------------------------------- the strong forms


def assert_settled(world: World) -> None:
    """Assert what holds once everything is done."""
    _assert_uploads(world)
    _assert_answers(world)
    _assert_models(world)
    _assert_parameters(world)


def _dead_letters(world: World, purpose: str) -> str:
    return "\n".join(one.body for one in world.sqs.queues[dead_letters_url(purpose)].messages)


def _assert_uploads(world: World) -> None:
    rows = {row["DetectLabelRequestId"]: row for row in world.rows()}
    dead = _dead_letters(world, "uploads")
    for one in world.uploads:
        row = rows.get(runs.detection_id(BUCKET, one.key, one.etag, one.version_id))
        if row is None:
            assert one.version_id in dead or one.is_removed, f"{one.key} is lost"
        elif "Failure" not in row:
            assert row["S3ObjectEtag"] == one.etag


def _assert_answers(world: World) -> None:
    rows = {row["DetectLabelRequestId"]: row for row in world.rows()}
    kept = _dead_letters(world, "answers") + "\n".join(one["text"] for one in world.state().get("failed_objects", []))
    for name in world.final_answers():
        row = rows.get(name.removeprefix("label-loop-"))
        assert row, f"{name} was answered, and its detection has no row"
        if "HumanLoopName" not in row and name in kept:
            continue  # a process was killed between the review and its row, and what needs no review was logged since
        assert "HumanLabel" in row, f"the answer of {name} is lost"
        if is_filed(row):
            assert "CopiedS3ObjectKey" in row or "CopyFailure" in row, f"the image of {name} was not copied"


def _assert_models(world: World) -> None:
    endpoint = world.rekognition.versions[world.endpoint or ""]
    paid = [version for version in world.rekognition.settled() if version.status in BILLED]
    assert paid in ([endpoint], []), f"{[version.name for version in paid]} are paid"
    assert paid or world.state().get("stopped_because"), "nothing serves"


def _assert_parameters(world: World) -> None:
    for name in runs.PARAMETER_NAMES:
        in_store = world.ssm.text(f"{PATH}/{name}")
        in_variable = world.variables[f"{PATH}/{name}".removeprefix("/")]
        if runs.is_valid(name, in_store) and runs.is_valid(name, in_variable):
            assert in_store == in_variable, f"{name} is {in_store} and {in_variable}"
            _assert_not_undone(world, name, in_store)


def _assert_not_undone(world: World, name: str, text: str) -> None:
    """Assert that a value is what a person wrote last, in one place or in the other."""
    edits = world.edits.get(name, {}).values()
    is_refused = any(not runs.is_valid(name, edit) for edit in edits)  # then an earlier one stays in force
    assert text in edits or is_refused or not edits, f"{name} is {text}, and people wrote {list(edits)}"
