"""The surroundings of every simulated history."""

import logging
from collections.abc import Iterator

import pytest
from _pytest.terminal import TerminalReporter
from airflow.sdk._shared.dagnode.node import GenericDAGNode
from airflow.sdk.bases.operator import ExecutorSafeguard
from airflow.sdk.definitions._internal.logging_mixin import LoggingMixin as SdkLoggingMixin
from airflow.utils.log.logging_mixin import LoggingMixin
from tests.simulation import clients, clock


@pytest.fixture(scope="module", autouse=True)
def surroundings() -> Iterator[None]:
    """Let the package see the fakes and the simulation's clock; what it logs costs more than what it does."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL"):
            patch.delenv(name, raising=False)
        clients.install(patch)
        clock.install(patch)
        for kind in (GenericDAGNode, SdkLoggingMixin, LoggingMixin):
            patch.setattr(kind, "log", logging.getLogger("simulation"))
        patch.setattr(ExecutorSafeguard, "test_mode", True)
        logging.disable(logging.CRITICAL)
        yield
        logging.disable(logging.NOTSET)


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """Tell how many histories a minute were played, by the time that they took of a processor."""
    told = [dict(report.user_properties) for report in terminalreporter.getreports("passed")]
    told = [properties for properties in told if "histories" in properties]
    if told:
        histories = sum(properties["histories"] for properties in told)
        seconds = sum(properties["cpu_seconds"] for properties in told)
        pace = f"{histories * 60 / seconds:.0f} a minute on one core"
        terminalreporter.write_line(f"simulation: {histories} histories in {seconds:.1f} s of CPU, {pace}")
