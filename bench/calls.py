"""How many AWS calls an image takes, from its upload to the end of its way."""

from tests.integration.world import World

from bench.figures import Figure
from bench.loop import serving_loop
from label_loop.domain.log_row import Attribute

_MINIMUM = "Minimum-Label-Detection-Confidence"
_WHOLE_WAY = (
    "Without a target: a detection, a review's start, the reading of its answer and the copying of its image are a "
    "call each, which nothing can share, and SQS and SNS take 10 messages a call. That alone makes 2.66 at 40 %."
)


def measure(uploads: int) -> list[Figure]:
    """Return the calls an image: all accepted, 40 % sent to review, and with their answers applied as well."""
    with serving_loop() as world:
        world.set_variable(_MINIMUM, "0")
        accepted = _detect(world, uploads)
        confidences = sorted(row[Attribute.CONFIDENCE] for row in world.rows())
        world.set_variable(_MINIMUM, str(confidences[round(uploads * 0.4)]))
        reviewed = _detect(world, uploads)
        loops = world.human_loops()
        for loop in loops:
            world.answer("7", loop["name"])
        answered = reviewed + sum(world.calls(world.review).values())
    share = f"{len(loops) / uploads:.1%} were"
    name = f"calls an image, {uploads:,} uploads"
    return [
        Figure(f"{name}: all accepted", accepted / uploads, at_most=1.6, sample="8.0"),
        Figure(f"{name}: 40 % to review", reviewed / uploads, at_most=2.6, sample="9.6", note=share),
        Figure(f"{name}: 40 % to review, and answered", answered / uploads, note=f"{share}. {_WHOLE_WAY}"),
    ]


def _detect(world: World, uploads: int) -> int:
    world.upload_digits(uploads)
    return sum(world.calls(world.detect).values())
