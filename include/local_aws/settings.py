"""Timings and limits of the local endpoint; each is an environment variable ``LOCAL_AWS_<NAME>``."""

import os
from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Settings:
    """Seconds are wall-clock. Defaults are quick enough to watch, slow enough to see every state."""

    host: str = "127.0.0.1"
    port: int = 4566
    training_seconds: float = 5.0  # the least time a version stays TRAINING_IN_PROGRESS; real fitting is added
    start_seconds: float = 5.0  # STARTING to RUNNING
    stop_seconds: float = 2.0  # STOPPING to STOPPED
    images_per_second_per_unit: float = 5.0  # what one inference unit serves before it throttles
    max_running_models: int = 2
    max_concurrent_trainings: int = 2

    @classmethod
    def from_environment(cls) -> "Settings":
        """Read the settings, each in the type of its default; a value that does not parse names its variable."""
        values: dict[str, object] = {}
        for field in fields(cls):
            name = f"LOCAL_AWS_{field.name.upper()}"
            if name in os.environ:
                kind = type(field.default)
                try:
                    values[field.name] = kind(os.environ[name])
                except ValueError as error:
                    raise ValueError(f"{name}={os.environ[name]!r} is not a {kind.__name__}") from error
        return cls(**values)  # type: ignore[arg-type]
