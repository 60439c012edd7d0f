"""The pause before a trigger's first event."""

import asyncio

# If a trigger fires within seconds of the deferral, the executor's late report of that deferral can fail the task
# (apache/airflow issues 71580 and 72716). So operators check before they defer, and triggers pause before they poll.
SETTLING_SECONDS = 10.0


async def settle() -> None:
    """Wait for ``SETTLING_SECONDS``."""
    await asyncio.sleep(SETTLING_SECONDS)
