"""Human review in Amazon A2I: the work team, the worker template and the flow definition."""

import hashlib
import json
from collections.abc import Mapping
from functools import partial
from typing import Any, NoReturn

from label_loop.loop import Loop
from label_loop.payloads import ANSWERS_FOLDER
from label_loop.provisioning.bucket import labels_in
from label_loop.provisioning.names import base_name
from label_loop.provisioning.report import ProvisioningError
from label_loop.provisioning.site import Site, aws_errors_as, or_none
from label_loop.provisioning.task_template import task_template

A2I, AIRFLOW = "a2i", "airflow"  # the review backends
NOT_READY = "NotReady"
REFUSALS = frozenset(
    {
        NOT_READY,
        "AccessDenied",
        "AccessDeniedException",
        "OptInRequired",
        "SubscriptionRequiredException",
        "UnknownOperationException",
        "ValidationException",
    }
)
_ABSENT = ("ResourceNotFound", "ResourceNotFoundException")
_HASH_CHARACTERS = 8
KIND = "flow definition"


def ensure_flow_definition(site: Site, bucket: str, current_arn: str | None) -> str:
    """Create the loop's flow definition for its labels, or adopt the current one; return its ARN.

    Templates and flow definitions cannot be changed. If the labels, the work team or the role change, new ones are
    created, whose names end in a hash of their content. The old flow definition is kept for its open human loops. If
    provisioning did not create the flow definition, it is replaced only on request, that is, if an option for A2I is
    given.

    Raises ProvisioningError; its code is in ``REFUSALS`` if the account or the options do not allow A2I.
    """
    options = site.options
    current = _describe(site, current_arn)
    asked = bool(options.labels or options.workteam_arn or options.a2i_role_arn)
    present = labels_in(site, bucket)
    labels = sorted(map(present.filed_as, options.labels or present.names))  # one order, whoever names them
    ours = current is not None and current["FlowDefinitionName"].startswith(f"{site.names.base}-")
    if current is not None and not asked and (not ours or not labels):
        with site.resource(KIND, current["FlowDefinitionName"]) as resource:
            if not ours:
                resource.note = "its page offers the labels that are written in it; `provision --labels` replaces it"
            return str(current["FlowDefinitionArn"])
    if not labels:
        _not_ready(site, "there are no labels yet", "give --labels, or upload images to a folder for each label")
    loop_config = (current or {}).get("HumanLoopConfig", {})
    role = options.a2i_role_arn or (current or {}).get("RoleArn") or _local_role(site)
    workteam = options.workteam_arn or loop_config.get("WorkteamArn") or _local_workteam(site)
    if not (role and workteam):
        _not_ready(site, "no work team or role is known", "give --workteam-arn and --a2i-role-arn")
    template = task_template(labels)
    ui_arn = _ensure_task_ui(site, task_ui_name(site.loop, template), template)
    request = _request(bucket, ui_arn, workteam, role)
    return _ensure_flow(site, f"{site.names.base}-{_hash(json.dumps(request, sort_keys=True))}", request)


def task_ui_name(loop: Loop, template: str) -> str:
    """Return the name of a worker template, which identifies its content."""
    return f"{base_name(loop)}-{_hash(template)}"


def _describe(site: Site, arn: str | None) -> Mapping[str, Any] | None:
    if not arn:
        return None
    name = arn.rsplit("/", 1)[-1]
    look = partial(site.client("sagemaker").describe_flow_definition, FlowDefinitionName=name)
    with aws_errors_as(KIND, name):
        return or_none(look, *_ABSENT)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_HASH_CHARACTERS]


def _not_ready(site: Site, problem: str, remedy: str) -> NoReturn:
    raise ProvisioningError(KIND, site.names.base, problem, f"{remedy}, and run the command again", code=NOT_READY)


def _local_role(site: Site) -> str | None:
    # Outside AWS, nothing assumes the role, but the request requires one.
    return f"arn:{site.names.partition}:iam::{site.names.account}:role/label-loop" if site.is_local else None


def _local_workteam(site: Site) -> str | None:
    """Return a stand-in for a work team at a local endpoint, which has no workers. In AWS, the operator creates it."""
    if not site.is_local:
        return None
    sagemaker = site.client("sagemaker")
    name = site.names.base
    with site.resource("work team", name) as resource:
        listed = sagemaker.list_workteams(NameContains=name)["Workteams"]
        arns = [team["WorkteamArn"] for team in listed if team["WorkteamName"] == name]
        if arns:
            return str(arns[0])
        member = {"UserPool": "local_1", "UserGroup": "reviewers", "ClientId": "local"}
        made = resource.create(
            lambda: sagemaker.create_workteam(
                WorkteamName=name,
                Description="A stand-in for reviewers.",
                MemberDefinitions=[{"CognitoMemberDefinition": member}],
                Tags=site.tag_list,
            )
        )
    return str(made["WorkteamArn"]) if made else site.names.arn("sagemaker", f"workteam/private-crowd/{name}")


def _ensure_task_ui(site: Site, name: str, template: str) -> str:
    sagemaker = site.client("sagemaker")
    with site.resource("worker template", name) as resource:
        present = or_none(lambda: sagemaker.describe_human_task_ui(HumanTaskUiName=name), *_ABSENT)
        if present is not None:
            return str(present["HumanTaskUiArn"])
        made = resource.create(
            lambda: sagemaker.create_human_task_ui(
                HumanTaskUiName=name, UiTemplate={"Content": template}, Tags=site.tag_list
            )
        )
    return str(made["HumanTaskUiArn"]) if made else site.names.arn("sagemaker", f"human-task-ui/{name}")


def _request(bucket: str, ui_arn: str, workteam_arn: str, role_arn: str) -> dict[str, Any]:
    return {
        "HumanLoopConfig": {
            "WorkteamArn": workteam_arn,
            "HumanTaskUiArn": ui_arn,
            "TaskTitle": "Label an image",
            "TaskDescription": "Pick the label that fits the image.",
            "TaskCount": 1,
        },
        "OutputConfig": {"S3OutputPath": f"s3://{bucket}/{ANSWERS_FOLDER.rstrip('/')}"},
        "RoleArn": role_arn,
    }


def _ensure_flow(site: Site, name: str, request: Mapping[str, Any]) -> str:
    sagemaker = site.client("sagemaker")
    look = partial(sagemaker.describe_flow_definition, FlowDefinitionName=name)
    with site.resource(KIND, name) as resource:
        if or_none(look, *_ABSENT) is None:
            resource.create(
                lambda: sagemaker.create_flow_definition(FlowDefinitionName=name, Tags=site.tag_list, **request)
            )
        if resource.created and resource.dry_run:
            return site.names.arn("sagemaker", f"flow-definition/{name}")
        site.until(lambda: _is_active(look(), name), KIND, name, "active")
        return str(look()["FlowDefinitionArn"])


def _is_active(flow: Mapping[str, Any], name: str) -> bool:
    if flow["FlowDefinitionStatus"] == "Failed":
        reason = flow.get("FailureReason", "no reason given")
        raise ProvisioningError(KIND, name, reason, f"correct the cause, delete {name}, and run the command again")
    return bool(flow["FlowDefinitionStatus"] == "Active")
