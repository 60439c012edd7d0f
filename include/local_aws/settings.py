"""Timings and limits of the local endpoint; each is an environment variable ``LOCAL_AWS_<NAME>``."""

import os
from dataclasses import dataclass, fields
from typing import Any

_BOOLEANS = {
    "true": True,
    "yes": True,
    "on": True,
    "1": True,
    "false": False,
    "no": False,
    "off": False,
    "0": False,
}


@dataclass(frozen=True)
class EndpointSettings:
    """Seconds are wall-clock. Defaults are quick enough to watch, slow enough to see every state."""

    host: str = "127.0.0.1"
    port: int = 4566
    training_seconds: float = 5.0  # the least time a version stays TRAINING_IN_PROGRESS; real fitting is added
    start_seconds: float = 5.0  # STARTING to RUNNING
    stop_seconds: float = 2.0  # STOPPING to STOPPED
    dataset_seconds: float = 2.0  # a dataset's CREATE_, UPDATE_ and DELETE_IN_PROGRESS
    images_per_second_per_unit: float = 5.0  # what one inference unit serves before it throttles
    max_running_models: int = 2
    max_concurrent_trainings: int = 2
    # What moto may answer for; add names as needed.
    moto_services: str = "s3,ssm,sns,sqs,dynamodb,events,sts,iam,cloudformation,logs"
    hosts: str = ""  # names beside loopback's under which the endpoint may be asked, comma-separated
    origins: str = ""  # pages beside the endpoint's own that may ask it, as http://name:port, comma-separated
    fault_seed: int = 0  # faults with a probability strike in an order that this number fixes
    refuse_human_loops: bool = False  # answer as AWS does to accounts that never used Amazon A2I
    flow_definition_seconds: float = 0.0  # Initializing to Active
    human_loop_stop_seconds: float = 0.5  # Stopping to Stopped

    @classmethod
    def from_environment(cls) -> "EndpointSettings":
        """Read the settings, each in the type of its default; one that does not parse names its variable."""
        values: dict[str, Any] = {}
        for field in fields(cls):
            name = f"LOCAL_AWS_{field.name.upper()}"
            if name in os.environ:
                kind = type(field.default)
                try:
                    values[field.name] = _parse(kind, os.environ[name])
                except (ValueError, KeyError) as error:
                    raise ValueError(f"{name}={os.environ[name]!r} is not a {kind.__name__}") from error
        return cls(**values)


def _parse(kind: type, text: str) -> Any:
    return _BOOLEANS[text.strip().lower()] if kind is bool else kind(text)
