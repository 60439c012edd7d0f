"""Changes parameters on both sides."""

import time

from demo.scene import Scene
from demo.waiting import Seen

SYNC_SECONDS = 240
FROM_STORE, STORE_VALUE = "Minimum-Untrained-Images", "25"
FROM_VARIABLE = "Human-Sampling-Interval"


def change_both_ways(scene: Scene) -> None:
    """Change one parameter in Parameter Store and another as a Variable; measure when each reaches the other side."""
    interval = str(scene.cast.sampling_interval)
    scene.aws.put_parameter(FROM_STORE, STORE_VALUE)
    scene.airflow.set_variable(scene.loop.variable(FROM_VARIABLE), interval)
    began = time.monotonic()
    arrived: dict[str, float] = {}

    def look() -> Seen:
        values = {
            f"{FROM_STORE} as a Variable": scene.airflow.variable(scene.loop.variable(FROM_STORE)) == STORE_VALUE,
            f"{FROM_VARIABLE} in Parameter Store": scene.aws.parameter(FROM_VARIABLE) == interval,
        }
        for name, is_there in values.items():
            if is_there:
                arrived.setdefault(name, time.monotonic() - began)
        return Seen(all(values.values()), ", ".join(arrived) or "not yet copied", len(arrived))

    with scene.narrator.step("Parameters changed on both sides", 2) as step:
        scene.patience.until("both parameters on the other side", look, step=step, timeout_seconds=SYNC_SECONDS)
    took = {name.split()[0]: seconds for name, seconds in arrived.items()}
    scene.narrator.say(
        f"  {FROM_STORE} = {STORE_VALUE} was copied from Parameter Store to the Variable in {took[FROM_STORE]:.0f} s; "
        f"{FROM_VARIABLE} = {interval} was copied from the Variable to Parameter Store in {took[FROM_VARIABLE]:.0f} s."
    )
