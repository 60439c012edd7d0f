"""How many AWS calls a human sample takes."""

from datetime import UTC, datetime, timedelta

from bench.figures import Figure
from bench.loop import provisioned_loop
from label_loop.domain.log_row import LogRow
from label_loop.domain.moments import timestamp

_START = datetime(2026, 11, 1, tzinfo=UTC)


def measure(samples: int, interval: int) -> list[Figure]:
    """Return the calls a sample, where as many detections are in the log as make so many samples."""
    detections = samples * interval
    with provisioned_loop() as world:
        world.set_variable("Human-Sampling-Interval", str(interval))
        world.set_state(sampling_since=timestamp(_START))
        world.add_rows([_row(n, world.bucket).to_item() for n in range(detections)])
        calls = sum(world.calls(world.sample).values())
        taken = len(world.human_loops())
    name = f"sampling {samples:,} of {detections:,}"
    return [
        Figure(f"{name}: calls a sample", calls / samples, at_most=2.2, sample="7.3"),
        Figure(f"{name}: samples missed", samples - taken, at_most=0, sample="3 of 20"),
    ]


def _row(number: int, bucket: str) -> LogRow:
    return LogRow(
        detection_id=f"{number:08x}-0000-0000-0000-000000000000",
        # Five at a time have one date, as detections that run in parallel can.
        detected_at=timestamp(_START + timedelta(seconds=1 + number // 5)),
        bucket=bucket,
        key=f"images_for_detection/{number}.png",
        etag="e",
        project_version_arn="arn:aws:rekognition:eu-west-1:123456789012:project/loop/version/v1/1",
        detected_label="7",
        confidence_percent=95.0,
        minimum_confidence_percent=70.0,
    )
