"""``python -m local_stack up | down | status``."""

import sys

from local_stack.environment import Stack
from local_stack.stack import LocalStack, StackError


def main(arguments: list[str]) -> int:
    """Run one command; return the exit status."""
    stack = LocalStack(Stack.from_environment())
    command = arguments[0] if len(arguments) == 1 else ""
    if command == "up":
        return _up(stack)
    if command == "down":
        stopped = stack.stop()
        print(f"Stopped: {', '.join(stopped)}" if stopped else "Nothing was running.")
        return 0
    if command == "status":
        print(f"local AWS endpoint: {'up' if stack.endpoint_answers() else 'down'}  {stack.stack.aws_url}")
        print(f"Airflow: {'healthy' if stack.airflow_is_healthy() else 'down'}  {stack.stack.airflow_url}")
        return 0
    print("usage: python -m local_stack up | down | status", file=sys.stderr)
    return 2


def _up(stack: LocalStack) -> int:
    try:
        print("Starting the local AWS endpoint …", flush=True)
        stack.start_endpoint()
        print("Starting Airflow (about half a minute) …", flush=True)
        stack.start_airflow()
        stack.wait_for_airflow()
    except StackError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    exports = " ".join(f"{name}={value}" for name, value in stack.stack.aws_environment().items())
    print(f"Airflow UI: {stack.stack.airflow_url}\nAWS endpoint: export {exports}\nStop both: make down")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
