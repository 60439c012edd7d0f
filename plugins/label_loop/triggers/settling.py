"""The pause before a trigger's first event."""

import asyncio

# A trigger that fires within seconds of its deferral can have its task failed by the executor's late report of
# that deferral (apache/airflow issues 71580 and 72716). So operators look before they defer, and a trigger
# lets this time pass before it looks for the first time.
SETTLING_SECONDS = 10.0


async def settle() -> None:
    """Let the pause pass."""
    await asyncio.sleep(SETTLING_SECONDS)
