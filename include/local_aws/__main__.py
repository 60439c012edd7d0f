"""Run the endpoint in the foreground: ``PYTHONPATH=include python -m local_aws``."""

import logging
import signal
import sys
import threading

from local_aws.http_server import PortTakenError
from local_aws.server import LocalAws
from local_aws.settings import EndpointSettings


def main() -> int:
    """Serve until SIGINT or SIGTERM."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        endpoint = LocalAws(EndpointSettings.from_environment())
    except (PortTakenError, ValueError) as error:
        print(f"The local AWS endpoint did not start: {error}", file=sys.stderr)
        return 1
    with endpoint:
        print(
            f"Local AWS at {endpoint.url}: export AWS_ENDPOINT_URL={endpoint.url} AWS_ACCESS_KEY_ID=local"
            " AWS_SECRET_ACCESS_KEY=local AWS_DEFAULT_REGION=us-east-1",
            flush=True,
        )
        while not stop.wait(timeout=1):  # a bounded wait, so that signals are handled on every platform
            pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
