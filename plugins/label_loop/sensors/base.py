"""The base of deferrable sensors."""

from abc import abstractmethod
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseSensorOperator, PokeReturnValue
from airflow.sdk.exceptions import AirflowFailException, AirflowSensorTimeout, AirflowSkipException

if TYPE_CHECKING:
    from airflow.sdk import Context
    from airflow.triggers.base import BaseTrigger


class DeferrableSensor(BaseSensorOperator):
    """Pokes once, then defers to a trigger that ends the task once its condition is met.

    :param deferrable: whether to defer; if not, the sensor pokes or reschedules according to ``mode``
    """

    def __init__(self, *, deferrable: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.deferrable = deferrable

    @abstractmethod
    def trigger(self) -> "BaseTrigger":
        """Return the trigger to defer to after ``poke`` returned False."""

    def execute(self, context: "Context") -> Any:
        """Poke; if the condition is not met, defer, or wait according to ``mode``."""
        if not self.deferrable:
            return super().execute(context)
        return self._poke_or_defer(context, datetime.now(UTC))

    def execute_complete(self, context: "Context", event: dict[str, Any], began: str) -> Any:
        """Poke again after a trigger that did not end the task; ``began`` is the start of the wait in ISO 8601."""
        self.log.info("The trigger fired (%s); checking again", event)
        return self._poke_or_defer(context, datetime.fromisoformat(began))

    def _poke_or_defer(self, context: "Context", began: datetime) -> Any:
        try:
            found = self.poke(context)
            left = began + timedelta(seconds=self.timeout) - datetime.now(UTC)
            if not found and left <= timedelta():
                raise AirflowSensorTimeout(f"The sensor timed out after {self.timeout:.0f} seconds.")
        except (AirflowSensorTimeout, AirflowFailException) as error:
            if self.soft_fail:
                raise AirflowSkipException("Skipping, since soft_fail is set.") from error
            raise
        if not found:
            again = {"began": began.isoformat()}
            self.defer(trigger=self.trigger(), method_name="execute_complete", kwargs=again, timeout=left)
        return found.xcom_value if isinstance(found, PokeReturnValue) else None
