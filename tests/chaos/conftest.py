"""The endpoint, the model and the loop of tests/integration, for tests that break things on purpose."""

from tests.integration.conftest import (  # noqa: F401
    bare,
    endpoint,
    make_world,
    model,
    provisioned,
    surroundings,
    unsure,
    variables,
    world,
)
