"""What a training check and a manifest take: calls, and memory."""

from bench.figures import Figure
from bench.loop import provisioned_loop, run_task
from label_loop.domain.moments import timestamp
from label_loop.payloads import LABELLED_FOLDER, UPLOADS_FOLDER, TrainingAttempt


def measure_check(labelled: int, others: int) -> list[Figure]:
    """Return the calls of a training check beside those that listing the labelled images takes."""
    with provisioned_loop() as world:
        world.fill(f"{LABELLED_FOLDER}cat/", labelled)
        world.fill(UPLOADS_FOLDER, others)
        training_set = world.training().training_set
        training_set.write("manifests/last.manifest", training_set.listed(LABELLED_FOLDER).images)
        written = training_set.context.clients.s3.get_key("manifests/last.manifest", world.bucket)
        started = timestamp(written.last_modified)
        attempt = TrainingAttempt("last", "manifests/last.manifest", labelled, "f", started, "accepted")
        world.set_state(last_training_attempt=attempt)
        calls = sum(world.calls(lambda: world.training().check(forced=False)).values())
    name = f"training check, {labelled:,} labelled and {others:,} other objects"
    more = calls - labelled / 1000
    return [Figure(f"{name}: calls beyond 1 per 1,000 labelled", more, at_most=7, sample="14 at 10,000, in all")]


def measure_manifest(images: int) -> list[Figure]:
    """Return the memory that a task needs to make a manifest, beyond what it has when it begins."""
    with provisioned_loop() as world:
        peak_mb = run_task("manifest_task", world.loop.path, str(images))
    return [Figure(f"manifest of {images:,} images: peak memory over the bare task", peak_mb, at_most=200, unit="MB")]
