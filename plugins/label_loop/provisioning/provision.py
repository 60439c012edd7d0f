"""Creates everything a loop needs, or brings it up to date."""

from collections.abc import Mapping
from typing import Any

import boto3

from label_loop.domain.labels import label_key, label_problem
from label_loop.exceptions import ReviewRefusedError
from label_loop.loop import Loop
from label_loop.provisioning import review
from label_loop.provisioning.account import Say
from label_loop.provisioning.bucket import ensure_folders
from label_loop.provisioning.capacity import report_capacity
from label_loop.provisioning.datasets import report_datasets
from label_loop.provisioning.loop_stack import deploy_loop_stack
from label_loop.provisioning.names import PURPOSES
from label_loop.provisioning.notifications import ensure_notifications, ensure_status_rule
from label_loop.provisioning.parameter_store import ensure_parameters, read_record, write_record
from label_loop.provisioning.report import ProvisioningError, Report, ResourceLine, ResourceOutcome
from label_loop.provisioning.review import A2I, AIRFLOW
from label_loop.provisioning.site import Options, Site
from label_loop.provisioning.topic import ensure_subscription
from label_loop.system_record import RecordKey


def provision(
    loop: Loop, options: Options, session: boto3.Session, report: Report, say: Say = lambda _: None
) -> Mapping[str, Any]:
    """Deploy the loop's stack, keeping what its record names, and add what no template can; return the record's values.

    Each resource is checked before it is changed, so that the call can be repeated, and continued after it was
    interrupted. ``report`` is called with a ``ResourceLine`` for each resource, ``say`` with the events of a stack that
    is being deployed. In a dry run, nothing is changed and the values are incomplete.

    Raises DeploymentError if the stack cannot be deployed, ProvisioningError for the first other resource that fails,
    and, after everything else is created, ReviewRefusedError if Amazon A2I was requested (``options.review_backend``)
    and refuses.
    """
    return provision_at(Site(loop, options, session, report, say))


def provision_at(site: Site) -> Mapping[str, Any]:
    """Do what ``provision`` does, for a site."""
    record = read_record(site)
    _check_labels(site.options)
    deployed = deploy_loop_stack(site, record)
    values = dict(deployed.values)
    ensure_folders(site, values[RecordKey.BUCKET])
    if RecordKey.BUCKET in deployed.kept.values:
        urls = {one: values.get(f"{one}_queue_url", site.names.queue(one)) for one in PURPOSES}
        ensure_notifications(site, values[RecordKey.BUCKET], urls)
    if RecordKey.TOPIC_ARN in deployed.kept.values and site.options.operator_email:
        ensure_subscription(site, values[RecordKey.TOPIC_ARN], site.options.operator_email)
    if RecordKey.PROJECT_ARN in values:  # in a dry run, the stack may still have to create it
        report_datasets(site, values[RecordKey.PROJECT_ARN])
    site.options = deployed.options(site.options)
    refusal = _set_up_review(site, record, values)
    ensure_parameters(site)
    # Values that have not changed are not written: somebody may have changed them in the record meanwhile.
    changes = {key: value for key, value in values.items() if value and value != record.get(key)}
    written = write_record(site, changes)
    if not record:
        report_capacity(site)
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


def _set_up_review(site: Site, record: Mapping[str, Any], values: dict[str, Any]) -> ProvisioningError | None:
    """Choose the review backend and create what Amazon A2I needs; return its refusal, if it refused."""
    chosen = site.options.review_backend or record.get(RecordKey.REVIEW_BACKEND)
    flow, refusal = record.get(RecordKey.FLOW_DEFINITION_ARN), None
    if chosen != AIRFLOW:
        try:
            flow = review.ensure_flow_definition(site, values[RecordKey.BUCKET], flow)
        except ProvisioningError as error:
            if error.code not in review.REFUSALS:
                raise
            refusal = error
            site.report(ResourceLine(review.KIND, error.name, ResourceOutcome.SKIPPED, error.problem))
        if flow:
            values[RecordKey.FLOW_DEFINITION_ARN] = flow
            ensure_status_rule(site, flow, values.get(RecordKey.ANSWERS_QUEUE_URL, site.names.queue("answers")))
    values[RecordKey.REVIEW_BACKEND] = A2I if flow and chosen != AIRFLOW else AIRFLOW
    return refusal


def _refused(site: Site, refusal: ProvisioningError) -> str:
    if refusal.code == review.NOT_READY:
        return f"{refusal} Everything else of the loop {site.loop.path} was created."
    return (
        f"Amazon A2I refused the {review.KIND} {refusal.name}: {refusal.problem}. Amazon A2I accepts no new customers: "
        "if this account has never used it, choose --review-backend airflow, the review page in the Airflow UI; if it "
        f"has, the caller lacks a permission. Everything else of the loop {site.loop.path} was created."
    )
