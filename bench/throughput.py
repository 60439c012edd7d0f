"""How much of what a model's inference units serve a burst of uploads gets through."""

from tests.integration.world import World

from bench.figures import Figure
from bench.loop import run_task, serving_loop
from label_loop.domain.pacing import IMAGES_PER_SECOND_PER_UNIT


def measure(uploads: int, units: int) -> list[Figure]:
    """Return the share of the units' pace that a burst reaches, and how many of it are lost."""
    pace = units * IMAGES_PER_SECOND_PER_UNIT
    with serving_loop(units=units, images_per_second_per_unit=IMAGES_PER_SECOND_PER_UNIT) as world:
        world.put_parameter("Minimum-Inference-Units", str(units))
        _let_nobody_listen(world)
        world.upload_digits(uploads)
        share = uploads / run_task("burst_task", world.loop.path) / pace
        lost = uploads - len(world.rows())
    name = f"burst of {uploads:,} at {units} unit{'s' * (units > 1)}"
    return [
        Figure(f"{name}: share of units x 5 images/s", share, at_least=0.95, digits=3),
        Figure(f"{name}: lost", lost, at_most=0, sample="44-78 %"),
    ]


def _let_nobody_listen(world: World) -> None:
    """End the subscription of the tests: moto looks at all messages of its queue for each one more."""
    sns = world.client("sns")
    for subscription in sns.list_subscriptions()["Subscriptions"]:
        sns.unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])
