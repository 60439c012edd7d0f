"""Faults on demand: errors, throttling and latency, by service and operation."""

import math
import random
import time
from dataclasses import asdict, dataclass
from threading import Lock
from typing import Any

from local_aws.errors import AwsError

KINDS = ("error", "throttle", "latency")
MAX_LATENCY_SECONDS = 300.0
_TYPES = {
    "service": str,
    "operation": str,
    "kind": str,
    "code": str,
    "status": int,
    "probability": (int, float),
    "count": int,
    "seconds": (int, float),
}
_THROUGHPUT = ("ProvisionedThroughputExceededException", "The request rate exceeds what is provisioned.", 400)
_RATE = "Rate exceeded"
# The code of throttling by "service.operation" or service; every other service has ThrottlingException.
_THROTTLE_ERRORS = {
    "rekognition.DetectCustomLabels": _THROUGHPUT,
    "dynamodb": _THROUGHPUT,
    "s3": ("SlowDown", "Please reduce your request rate.", 503),
    "sqs": ("RequestThrottled", _RATE, 400),
    "sns": ("Throttling", _RATE, 400),
    "sts": ("Throttling", _RATE, 400),
    "iam": ("Throttling", _RATE, 400),
}


@dataclass
class Fault:
    """One rule; ``count`` is how many times it will still strike, None for ever."""

    service: str
    kind: str
    operation: str = "*"
    code: str | None = None
    status: int | None = None
    probability: float = 1.0
    count: int | None = None
    seconds: float = 0.0

    def concerns(self, service: str, operation: str) -> bool:
        """Tell whether the fault is meant for a call."""
        return self.service in ("*", service) and self.operation in ("*", operation)

    def error(self, service: str, operation: str) -> AwsError:
        """Make the error that the fault answers with."""
        if self.kind == "throttle":
            known = _THROTTLE_ERRORS.get(f"{service}.{operation}") or _THROTTLE_ERRORS.get(service)
            code, message, status = known or ("ThrottlingException", _RATE, 400)
            return AwsError(self.code or code, message, self.status or status)
        default = "InternalError" if service == "s3" else "InternalFailure"
        status = self.status or (400 if self.code else 500)
        return AwsError(self.code or default, f"A fault was ordered for {service} {operation}.", status)


class Faults:
    """The rules in force. Latencies add up; the first error or throttling that strikes is the answer."""

    def __init__(self, seed: int) -> None:
        self._lock = Lock()
        self._random = random.Random(seed)
        self._faults: list[Fault] = []

    def replace(self, definitions: Any) -> None:
        """Put rules in force in place of those before; raises ``ValueError`` naming the rule broken."""
        if not isinstance(definitions, list):
            raise ValueError("faults are a list of objects")
        faults = [parse_fault(definition) for definition in definitions]
        with self._lock:
            self._faults = faults

    def describe(self) -> list[dict[str, Any]]:
        """Return the rules still in force, as they would be defined."""
        with self._lock:
            return [{key: value for key, value in asdict(fault).items() if value is not None} for fault in self._faults]

    def strike(self, service: str, operation: str) -> None:
        """Wait, or raise ``AwsError``, as the rules for this call demand."""
        with self._lock:
            seconds, error = self._draw(service, operation)
        time.sleep(seconds)  # outside the lock: one slow call does not slow the others
        if error:
            raise error

    def _draw(self, service: str, operation: str) -> tuple[float, AwsError | None]:
        seconds = 0.0
        for fault in list(self._faults):
            if not fault.concerns(service, operation) or self._random.random() >= fault.probability:
                continue
            if fault.count is not None:
                fault.count -= 1
                if fault.count <= 0:
                    self._faults.remove(fault)
            if fault.kind != "latency":
                return seconds, fault.error(service, operation)
            seconds += fault.seconds
        return seconds, None


def parse_fault(definition: Any) -> Fault:
    """Read one rule; raises ``ValueError`` naming what is wrong."""
    if not isinstance(definition, dict):
        raise ValueError(f"a fault is an object, not {definition!r}")
    for key, value in definition.items():
        if key not in _TYPES:
            raise ValueError(f"a fault has no {key!r}; it has {', '.join(_TYPES)}")
        if isinstance(value, bool) or not isinstance(value, _TYPES[key]):  # type: ignore[arg-type]
            raise ValueError(f"{key} cannot be {value!r}")
    for key in ("service", "kind"):
        if not definition.get(key):
            raise ValueError(f"a fault needs a {key}")
    fault = Fault(**definition)
    _check_ranges(fault)
    return fault


def _check_ranges(fault: Fault) -> None:
    rules = [
        (fault.kind in KINDS, f"kind is one of {', '.join(KINDS)}, not {fault.kind!r}"),
        (0 <= fault.probability <= 1, f"probability is between 0 and 1, not {fault.probability}"),
        (fault.count is None or fault.count >= 1, f"count is at least 1, not {fault.count}"),
        (
            fault.status is None or 400 <= fault.status <= 599,
            f"status is between 400 and 599, not {fault.status}",
        ),
        (
            fault.kind != "latency" or (0 < fault.seconds <= MAX_LATENCY_SECONDS and math.isfinite(fault.seconds)),
            f"a latency's seconds are above 0 and at most {MAX_LATENCY_SECONDS:g}, not {fault.seconds}",
        ),
    ]
    for holds, rule in rules:
        if not holds:
            raise ValueError(rule)
