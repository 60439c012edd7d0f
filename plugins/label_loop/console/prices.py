"""The price of an inference unit."""

import logging
import math

log = logging.getLogger(__name__)

_INFERENCE_UNIT_USD_PER_HOUR = 4.0


def inference_unit_usd_per_hour() -> float:
    """Return the price of an inference unit in USD per hour, from ``[label_loop] inference_unit_usd_per_hour``.

    The default is the published price of Rekognition Custom Labels in us-east-1.
    """
    from airflow.sdk import conf

    text = conf.get("label_loop", "inference_unit_usd_per_hour", fallback=str(_INFERENCE_UNIT_USD_PER_HOUR))
    try:
        price = float(text)
    except (TypeError, ValueError):
        price = math.nan
    if 0 <= price < math.inf:
        return price
    log.error("[label_loop] inference_unit_usd_per_hour is %r, but must be a number such as 4.0", text)
    return _INFERENCE_UNIT_USD_PER_HOUR
