"""Authorization: Airflow's own login and permissions, checked for every page and endpoint."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.auth.managers.models.batch_apis import IsAuthorizedVariableRequest
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails, VariableDetails
from airflow.api_fastapi.core_api.security import GetUserDep
from airflow.models.dag import DagModel
from airflow.models.variable import Variable
from fastapi import Depends, HTTPException, Request

from label_loop.console.context import contexts
from label_loop.console.threads import in_thread
from label_loop.context import LoopContext
from label_loop.loop import NAMED_BY, Loop
from label_loop.parameters import PARAMETERS

LOOK, REVIEW, UPLOAD, OPERATE, ANSWER = "look", "review", "upload", "operate", "answer"
SEE_PARAMETERS, SET_PARAMETERS = "see_parameters", "set_parameters"
_NEEDED = {
    LOOK: "to read the loop's DAGs",
    REVIEW: "to edit the DAG human_review",
    UPLOAD: "to trigger the DAG detection",
    OPERATE: "to trigger the DAG training",
    ANSWER: "to answer what the DAG approval asks",
    SEE_PARAMETERS: "to read Airflow Variables",
    SET_PARAMETERS: "to read and edit Airflow Variables",
}
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
# A browser sends a custom header to another site only if that site allows it, and this one never does.
HEADER, HEADER_VALUE = "X-Label-Loop", "console"


@dataclass(frozen=True)
class Visit:
    """An authorized request: its loop, its user, and what else the user may do there (``may``, by permission)."""

    request: Request
    user: BaseUser
    aws: LoopContext
    may: Mapping[str, bool] = field(default_factory=dict)
    has_others: bool = False  # whether this Airflow has other loops

    @property
    def loop(self) -> Loop:
        """The loop that the request is about."""
        return self.aws.loop


def permissions(user: BaseUser, loop: Loop) -> dict[str, bool]:
    """Return what a user may do with a loop, by permission. Blocking: the auth manager may query Airflow's database."""
    sees_parameters = _may_variables(user, "GET", loop)
    return {
        LOOK: _may_dag(user, "GET", loop.dag_id("training")),
        REVIEW: _may_dag(user, "PUT", loop.dag_id("human_review")),
        UPLOAD: _may_dag(user, "POST", loop.dag_id("detection"), DagAccessEntity.RUN),
        OPERATE: _may_dag(user, "POST", loop.dag_id("training"), DagAccessEntity.RUN),
        ANSWER: _may_dag(user, "PUT", loop.dag_id("approval"), DagAccessEntity.HITL_DETAIL),
        SEE_PARAMETERS: sees_parameters,
        # A page that saves shows what was there before.
        SET_PARAMETERS: sees_parameters and _may_variables(user, "PUT", loop),
    }


def _may_variables(user: BaseUser, method: Literal["GET", "PUT"], loop: Loop) -> bool:
    """Return whether a user has the right that Airflow itself asks for, for each of the loop's Variables."""
    keys = [loop.variable(name) for name in PARAMETERS]
    teams = Variable.get_key_to_team_name_mapping(keys)
    details = (VariableDetails(key=key, team_name=teams.get(key)) for key in keys)
    requests: list[IsAuthorizedVariableRequest] = [{"method": method, "details": each} for each in details]
    return get_auth_manager().batch_is_authorized_variable(requests, user=user)


def _may_dag(user: BaseUser, method: Any, dag_id: str, entity: DagAccessEntity | None = None) -> bool:
    details = DagDetails(id=dag_id, team_name=DagModel.get_team_name(dag_id))
    return get_auth_manager().is_authorized_dag(method=method, access_entity=entity, details=details, user=user)


def _needs(permission: str) -> Callable[..., Awaitable[Visit]]:
    async def visit(request: Request, user: GetUserDep, loop_name: str) -> Visit:
        served = await in_thread(contexts)
        aws = served.get(loop_name)
        if aws is None:
            raise HTTPException(404, f"This Airflow has no loop with that name. Loops are listed in {NAMED_BY}.")
        may = await in_thread(permissions, user, aws.loop)
        if not (may[LOOK] and may[permission]):
            raise HTTPException(403, f"You need permission {_NEEDED[permission if may[LOOK] else LOOK]}.")
        if request.method not in _READING:
            refuse_cross_site(request)
        return Visit(request, user, aws, may, has_others=len(served) > 1)

    return visit


def refuse_cross_site(request: Request) -> None:
    """Raise HTTPException 403 if a state-changing request may come from another site's page."""
    origin = request.headers.get("origin")
    # Compared as text: an origin is a scheme and a host, and may be malformed.
    elsewhere = origin is not None and origin.partition("://")[2] != request.headers.get("host")
    # Behind a proxy the host may differ, so the browser's own header takes precedence over the comparison.
    fetch_site = request.headers.get("sec-fetch-site")
    crossed = fetch_site != "same-origin" if fetch_site else elsewhere
    if crossed or request.headers.get(HEADER) != HEADER_VALUE:
        raise HTTPException(403, "This request did not come from a page of the console.")


Look = Annotated[Visit, Depends(_needs(LOOK))]
Review = Annotated[Visit, Depends(_needs(REVIEW))]
Upload = Annotated[Visit, Depends(_needs(UPLOAD))]
Operate = Annotated[Visit, Depends(_needs(OPERATE))]
Answer = Annotated[Visit, Depends(_needs(ANSWER))]
SeeParameters = Annotated[Visit, Depends(_needs(SEE_PARAMETERS))]
SetParameters = Annotated[Visit, Depends(_needs(SET_PARAMETERS))]
