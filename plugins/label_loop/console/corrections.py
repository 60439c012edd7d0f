"""Corrections of labels, for whoever may review."""

from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from label_loop.console import airflow_db
from label_loop.console.access import Review, Visit
from label_loop.console.labels import forget_labels
from label_loop.console.threads import in_thread
from label_loop.domain.labelling import people
from label_loop.payloads import NONE_OF_THE_ABOVE
from label_loop.workflows.correction import Corrections

router = APIRouter()


class CorrectionRequest(BaseModel):
    """What is right about an image, named by its key or by the id of its detection.

    A ``label`` of None means that no label fits. ``action`` "remove" takes it out of training and test.
    """

    image: Annotated[str, Field(min_length=1, max_length=2048)]
    label: Annotated[str, Field(max_length=255)] | None = None
    action: Literal["label", "remove"] = "label"


@router.post("/labels/correct")
async def correct(visit: Review, given: CorrectionRequest) -> dict[str, Any]:
    """Correct the label of an image; return where it is now. Responds with 409 if that is not possible."""

    def work() -> dict[str, Any]:
        corrections = _corrections(visit)
        if given.action == "remove":
            found = corrections.remove(given.image)
        else:
            found = corrections.correct(given.image, NONE_OF_THE_ABOVE if given.label is None else given.label)
            forget_labels()
        facts = {"image": found.source, "target": found.target, "label": found.label}
        airflow_db.write_note("label_loop_correct", visit.user, visit.loop.dag_id("human_review"), facts)
        return asdict(found)

    return await in_thread(work)


def _corrections(visit: Visit) -> Corrections:
    clients = visit.aws.clients
    return Corrections(
        client=clients.s3_client,
        bucket=visit.aws.store.record.bucket,
        history=clients.label_history,
        row=lambda detection_id: clients.log.rows([detection_id]).get(detection_id),
        allows_new_labels=visit.aws.settings.review_allow_new_labels,
        who=people([str(visit.user.get_id())]),
        looks_elsewhere=False,  # nobody waits for that
    )
