"""One local endpoint for all files of a worker: what every file would make again, it makes once.

Training a model takes four seconds and setting a loop up one, dozens of files need both, and none changes either:
each test begins with ``Site.reset``. moto keeps its state per process, and whoever starts another endpoint or mocks
AWS empties it. So between the files that share this endpoint its state is put aside, where nobody finds it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from local_aws.settings import EndpointSettings

if TYPE_CHECKING:
    from tests.integration.model import Model
    from tests.integration.world import World

    from label_loop.loop import Loop
    from local_aws.server import LocalAws

_FAST = EndpointSettings(
    port=0,
    training_seconds=0.05,
    start_seconds=0.1,
    stop_seconds=0.1,
    human_loop_stop_seconds=0.05,
    dataset_seconds=0.05,
    max_running_models=1000,  # the loops of all tests share the endpoint
    max_concurrent_trainings=1000,
)


class StandingEndpoint:
    """The endpoint, the model trained at it and the loops set up at it, each made when it is first asked for."""

    def __init__(self) -> None:
        self._worlds: dict[Loop, World] = {}
        self._aside = _MotoState()

    @cached_property
    def _aws(self) -> "LocalAws":
        from local_aws.server import LocalAws

        return LocalAws(_FAST)

    @contextmanager
    def in_use(self) -> Iterator["LocalAws"]:
        """Give the endpoint with all that was made at it; nobody else may use moto meanwhile."""
        aws = self._aws
        self._aside.put_back()
        try:
            yield aws
        finally:
            aws.faults.replace([])
            self._aside.take()

    @cached_property
    def model(self) -> "Model":
        """The one trained model; it is asked for while the endpoint is in use, as loops are."""
        from tests.integration.model import train_model

        return train_model(self._aws)

    def world(self, loop: "Loop") -> "World":
        """Return a loop that is set up, in the state in which the last test left it."""
        from tests.integration.world import World

        if loop not in self._worlds:
            world = World(self._aws, loop, {})
            world.provision()
            self._worlds[loop] = world
        return self._worlds[loop]

    def close(self) -> None:
        if "_aws" in vars(self):
            self._aws.close()


class _MotoState:
    """What moto holds, while it does not hold it."""

    def __init__(self) -> None:
        self._backends: list[tuple[Any, dict[str, Any]]] = []
        self._buckets: dict[str, Any] = {}

    def take(self) -> None:
        """Leave moto as if nobody had used it."""
        from moto.core.base_backend import BackendDict
        from moto.core.model_instances import reset_model_data
        from moto.s3.models import s3_backends

        from local_aws.moto_lock import MOTO_LOCK

        with MOTO_LOCK:
            self._backends = [(services, dict(services)) for services in BackendDict._instances]
            self._buckets = dict(s3_backends.bucket_accounts)
            for services, _ in self._backends:
                services.clear()
            s3_backends.bucket_accounts.clear()
            BackendDict._instances.clear()
            reset_model_data()  # moto closes the content of all objects that it keeps track of

    def put_back(self) -> None:
        """Give moto what was taken, in place of whatever others left there."""
        from moto.core.base_backend import BackendDict
        from moto.moto_api._internal.models import moto_api_backend
        from moto.s3.models import s3_backends

        from local_aws.moto_lock import MOTO_LOCK

        with MOTO_LOCK:
            moto_api_backend.reset()
            for services, accounts in self._backends:
                services.update(accounts)
                BackendDict._instances.append(services)  # what moto empties when somebody else begins
            s3_backends.bucket_accounts.update(self._buckets)
            self._backends, self._buckets = [], {}
