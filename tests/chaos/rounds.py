"""Work in rounds, as Airflow tries a failed task again, and what has to hold after it."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from tests.integration.clients import SharedSession
from tests.integration.world import World

from label_loop.exceptions import UnfinishedWorkError
from label_loop.provisioning.dead_letters import dead_letters, send_again
from label_loop.provisioning.site import Options, Site

# What a task fails with, after which Airflow tries it again.
FAILED = (ClientError, BotoCoreError, UnfinishedWorkError)


def work_on(world: World, purpose: str, work: Callable[[], Any], rounds: int) -> None:
    """Run a task again and again, as Airflow does, until its queue is empty or it was tried often enough."""
    for _ in range(rounds):
        with suppress(*FAILED):
            work()
        with suppress(*FAILED):  # the look at the queue's name may fail as well
            if not world.come_again(purpose):
                return


def send_dead_letters_again(world: World) -> int:
    """Do what the command does; return how many there were."""
    site = Site(world.loop, Options(), SharedSession(world.aws.url), print)  # type: ignore[arg-type]
    return len(list(send_again(site, dead_letters(site))))


def assert_each_upload_once(world: World, keys: list[str]) -> None:
    rows = world.rows()
    assert sorted(row["S3ObjectKey"] for row in rows) == sorted(keys)
    tasks = [loop["input_content"]["detectLabelRequestId"] for loop in world.human_loops()]
    assert sorted(tasks) == sorted(row["DetectLabelRequestId"] for row in rows if "HumanLoopName" in row)
    assert world.waiting() == world.dead_letters() == []
