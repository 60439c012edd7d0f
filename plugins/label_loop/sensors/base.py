"""The base of sensors that wait without a worker."""

from abc import abstractmethod
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseSensorOperator, PokeReturnValue
from airflow.sdk.exceptions import AirflowFailException, AirflowSensorTimeout, AirflowSkipException

if TYPE_CHECKING:
    from airflow.sdk import Context
    from airflow.triggers.base import BaseTrigger


class DeferrableSensor(BaseSensorOperator):
    """Looks once, then waits in the triggerer, which looks on and ends the task where it finds what is waited for.

    :param deferrable: whether it waits so; else it pokes or reschedules, as ``mode`` says
    """

    def __init__(self, *, deferrable: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.deferrable = deferrable

    @abstractmethod
    def trigger(self) -> "BaseTrigger":
        """Return what goes on looking, after ``poke`` found nothing."""

    def execute(self, context: "Context") -> Any:
        """Look; where there is nothing yet, wait as the task is set to."""
        if not self.deferrable:
            return super().execute(context)
        return self._look(context, datetime.now(UTC))

    def execute_complete(self, context: "Context", event: dict[str, Any], began: str) -> Any:
        """Look again where the trigger did not end the task by itself; ``began`` is when the wait did, in ISO 8601."""
        self.log.info("The wait was interrupted: %s", event)
        return self._look(context, datetime.fromisoformat(began))

    def _look(self, context: "Context", began: datetime) -> Any:
        try:
            found = self.poke(context)
            left = began + timedelta(seconds=self.timeout) - datetime.now(UTC)
            if not found and left <= timedelta():
                raise AirflowSensorTimeout(f"The sensor has timed out: it waited for more than {self.timeout:.0f} s.")
        except (AirflowSensorTimeout, AirflowFailException) as error:
            if self.soft_fail:
                raise AirflowSkipException("Skipped, since soft_fail is set.") from error
            raise
        if not found:
            again = {"began": began.isoformat()}
            self.defer(trigger=self.trigger(), method_name="execute_complete", kwargs=again, timeout=left)
        return found.xcom_value if isinstance(found, PokeReturnValue) else None
