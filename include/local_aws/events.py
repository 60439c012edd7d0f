"""Events of AWS services on EventBridge's default bus."""

import copy
import logging
import time
from typing import Any
from uuid import uuid4

from moto.events.models import events_backends

from local_aws.moto_lock import MOTO_LOCK
from local_aws.services import ACCOUNT_ID

_LOG = logging.getLogger(__name__)


def emit(region: str, source: str, detail_type: str, resources: list[str], detail: dict[str, Any]) -> None:
    """Put an AWS service's event on the default bus of a region."""
    event: Any = {
        "version": "0",
        "id": str(uuid4()),
        "detail-type": detail_type,
        "source": source,
        "account": ACCOUNT_ID,
        "time": time.time(),  # moto turns it into text on its way to a queue
        "ingestion-time": time.time(),  # moto wants it; it does not leave with the event
        "region": region,
        "resources": resources,
        "detail": detail,
    }
    with MOTO_LOCK:
        for bus in events_backends[ACCOUNT_ID][region].event_buses.values():
            if bus.name != "default":
                continue  # AWS services write to the default bus only
            for rule in list(bus.rules.values()):
                try:
                    rule.send_to_targets(copy.deepcopy(event))
                except Exception:
                    _LOG.exception("rule %s could not deliver %s", rule.name, detail_type)
