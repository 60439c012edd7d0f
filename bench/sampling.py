"""How many AWS calls a human sample takes."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from bench.figures import Figure
from bench.loop import provisioned_loop
from label_loop.domain.moments import timestamp

_START = datetime(2026, 11, 1, tzinfo=UTC)


def measure(samples: int, interval: int) -> list[Figure]:
    """Return the calls a sample, where as many detections are in the log as make so many samples."""
    detections = samples * interval
    with provisioned_loop() as world:
        world.set_variable("Human-Sampling-Interval", str(interval))
        world.set_state(sampling_since=timestamp(_START))
        world.add_rows([_row(n, world.bucket) for n in range(detections)])
        calls = sum(world.calls(world.sample).values())
        taken = len(world.human_loops())
    name = f"sampling {samples:,} of {detections:,}"
    return [
        Figure(f"{name}: calls a sample", calls / samples, at_most=2.2, sample="7.3"),
        Figure(f"{name}: samples missed", samples - taken, at_most=0, sample="3 of 20"),
    ]


def _row(number: int, bucket: str) -> dict[str, object]:
    return {
        "DetectLabelRequestId": f"{number:08x}-0000-0000-0000-000000000000",
        # Five at a time have one date, as detections that run in parallel can.
        "DetectLabelDate": timestamp(_START + timedelta(seconds=1 + number // 5)),
        "S3Bucket": bucket,
        "S3ObjectKey": f"images_for_detection/{number}.png",
        "S3ObjectEtag": "e",
        "ProjectVersionArn": "arn:aws:rekognition:eu-west-1:123456789012:project/loop/version/v1/1",
        "DetectedLabel": "7",
        "DetectedConfidenceLevel": Decimal(95),
        "MinimumConfidenceLevel": Decimal(70),
        "A2IEnabled": True,
        "Sampled": "No",
    }
