"""What decides is read as it is now: DynamoDB's reads may be late unless they are asked not to be."""

from collections.abc import Callable
from typing import Any

import pytest

from label_loop.hooks.inference_log import InferenceLogHook
from label_loop.hooks.loop_state import LoopStateHook
from label_loop.hooks.parameter_store import ParameterStoreHook
from label_loop.hooks.reviews import ReviewsHook
from label_loop.loop import Loop


class Asked(Exception):  # noqa: N818 - it ends a call, and is no error
    """A call with these parameters."""


def state() -> LoopStateHook:
    return LoopStateHook("table", Loop("/logos"), ParameterStoreHook(aws_conn_id=None), aws_conn_id=None)


@pytest.mark.parametrize(
    ("make", "read"),
    [
        (lambda: InferenceLogHook("table", aws_conn_id=None), lambda hook: hook.rows(["a", "b"])),
        (lambda: ReviewsHook("table", aws_conn_id=None), lambda hook: hook.get("a")),
        (state, lambda hook: hook.read()),
    ],
    ids=["rows", "a review", "the state"],
)
def test_items_are_read_as_they_are_now(make: Callable[[], Any], read: Callable[[Any], Any]) -> None:
    hook = make()

    def stop(params: dict[str, Any], **_: Any) -> None:
        raise Asked(params)

    hook.conn.meta.client.meta.events.register("provide-client-params.dynamodb.*", stop)
    with pytest.raises(Asked) as asked:
        read(hook)
    (params,) = asked.value.args
    assert all(one["ConsistentRead"] for one in params.get("RequestItems", {"table": params}).values())
