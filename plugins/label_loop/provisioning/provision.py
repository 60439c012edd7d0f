"""Make everything a loop needs, or bring it up to date."""

from collections.abc import Mapping
from typing import Any

import boto3

from label_loop.domain.labels import label_key, label_problem
from label_loop.exceptions import ReviewRefusedError
from label_loop.loop import Loop
from label_loop.provisioning import review
from label_loop.provisioning.bucket import ensure_bucket
from label_loop.provisioning.notifications import ensure_notifications, ensure_status_rule
from label_loop.provisioning.parameter_store import ensure_parameters, read_record, write_record
from label_loop.provisioning.project import ensure_project
from label_loop.provisioning.queues import PURPOSES, ensure_queues
from label_loop.provisioning.report import Line, Outcome, ProvisioningError, Report
from label_loop.provisioning.site import Options, Site
from label_loop.provisioning.table import INDEX, REVIEWS, STATE, STATISTICS, ensure_table, inference_log
from label_loop.provisioning.topic import ensure_subscription, ensure_topic

A2I = "a2i"
AIRFLOW = "airflow"


def provision(loop: Loop, options: Options, session: boto3.Session, report: Report) -> Mapping[str, Any]:
    """Make the loop's resources, adopting those its record names; return the record's values.

    Looks before it changes anything, so it can be repeated, and continued where it was interrupted. ``report`` is
    called with a ``Line`` for each resource. In a dry run nothing changes and the values are incomplete.

    Raises ProvisioningError at the first resource that cannot be made, and, after everything else is made,
    ReviewRefusedError where Amazon A2I was asked for (``options.review_backend``) and refuses.
    """
    return provision_at(Site(loop, options, session, report))


def provision_at(site: Site) -> Mapping[str, Any]:
    """Do what ``provision`` does, at a site."""
    record = read_record(site)
    _check_labels(site.options)
    bucket = _bucket(site, record)
    ensure_bucket(site, bucket)
    values: dict[str, Any] = {"s3_bucket": bucket}
    for purpose in PURPOSES:
        values |= ensure_queues(site, purpose, bucket, record)
    ensure_notifications(site, bucket, {purpose: values[f"{purpose}_queue_url"] for purpose in PURPOSES})
    values["dynamodb_table"] = record.get("dynamodb_table") or site.names.base
    values["dynamodb_table_GSI"] = record.get("dynamodb_table_GSI") or INDEX
    ensure_table(site, values["dynamodb_table"], inference_log(values["dynamodb_table_GSI"]))
    values["reviews_table"] = record.get("reviews_table") or f"{site.names.base}-reviews"
    ensure_table(site, values["reviews_table"], REVIEWS)
    values["statistics_table"] = record.get("statistics_table") or f"{site.names.base}-statistics"
    ensure_table(site, values["statistics_table"], STATISTICS)
    values["state_table"] = record.get("state_table") or f"{site.names.base}-state"
    ensure_table(site, values["state_table"], STATE)
    values["sns-topic"] = ensure_topic(site, record.get("sns-topic"))
    if site.options.operator_email:
        ensure_subscription(site, values["sns-topic"], site.options.operator_email)
    values["rekognition_project_arn"] = ensure_project(site, record.get("rekognition_project_arn"))
    refusal = _set_up_review(site, record, values)
    ensure_parameters(site)
    # What the record said already is not written again: somebody may have changed it meanwhile.
    changes = {key: value for key, value in values.items() if value and value != record.get(key)}
    written = write_record(site, changes)
    if refusal is not None and site.options.review_backend == A2I:
        raise ReviewRefusedError(_refused(site, refusal)) from refusal
    return written


def _check_labels(options: Options) -> None:
    first: dict[str, str] = {}
    for label in options.labels or ():
        problem = label_problem(label)
        if problem:
            raise ProvisioningError("label", repr(label), f"a label must {problem}", "correct --labels")
        other = first.setdefault(label_key(label), label)
        if other != label:
            raise ProvisioningError("label", repr(label), f"it is the same label as {other!r}", "correct --labels")


def _bucket(site: Site, record: Mapping[str, Any]) -> str:
    """Return the bucket's name: a loop that has one keeps it."""
    kept, asked = record.get("s3_bucket"), site.options.bucket
    if kept and asked and kept != asked:
        way_out = "leave --bucket out, or set up another loop"
        raise ProvisioningError("bucket", asked, f"the loop {site.loop.path} has the bucket {kept}", way_out)
    return str(kept or asked or site.names.bucket)


def _set_up_review(site: Site, record: Mapping[str, Any], values: dict[str, Any]) -> ProvisioningError | None:
    """Choose the review backend and make what Amazon A2I needs; return its refusal, if it refused."""
    chosen = site.options.review_backend or record.get("review_backend")
    flow, refusal = record.get("flow_definition_arn"), None
    if chosen != AIRFLOW:
        try:
            flow = review.ensure_flow_definition(site, values["s3_bucket"], flow)
        except ProvisioningError as error:
            if error.code not in review.REFUSALS:
                raise
            refusal = error
            site.report(Line(review.KIND, error.name, Outcome.NOT_MADE, error.problem))
        if flow:
            values["flow_definition_arn"] = flow
            ensure_status_rule(site, flow, values["answers_queue_url"])
    values["review_backend"] = A2I if flow and chosen != AIRFLOW else AIRFLOW
    return refusal


def _refused(site: Site, refusal: ProvisioningError) -> str:
    if refusal.code == review.NOT_READY:
        return f"{refusal} Everything else of the loop {site.loop.path} was made."
    return (
        f"Amazon A2I refused the {review.KIND} {refusal.name}: {refusal.problem}. Amazon A2I takes no new customers: "
        "if this account never used it, use --review-backend airflow, the review page in the Airflow UI; if it did, "
        f"the caller lacks a permission. Everything else of the loop {site.loop.path} was made."
    )
