"""A loop's stack, which creates everything that has a CloudFormation resource type."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from label_loop.provisioning.kept import Kept, created_by, find_kept, report_created
from label_loop.provisioning.names import slug
from label_loop.provisioning.report import ProvisioningError
from label_loop.provisioning.review import A2I
from label_loop.provisioning.site import ManagedResource, Options, Site, aws_errors_as
from label_loop.provisioning.stack import LOOP, Stack
from label_loop.provisioning.stacks import Stacks
from label_loop.provisioning.table import INDEX
from label_loop.provisioning.task_ui import LEFT_TO_SETUP, task_ui
from label_loop.system_record import RecordKey

TEMPLATE = Path(__file__).with_name("loop.yaml")
# Any update of a parameter by CloudFormation would overwrite what people and the loop have written to it.
_POLICY = Path(__file__).with_name("loop-stack-policy.json")
_BUCKET, _FLOW, _PORTAL = "BucketName", "ExistingFlowDefinition", "PortalDomain"


@dataclass(frozen=True)
class LoopStack:
    """A loop's resources: ``values`` by the record's keys. ``stack`` is None if a dry run did not create it."""

    values: Mapping[str, Any]
    kept: Kept
    stack: Stack | None

    def options(self, options: Options) -> Options:
        """Return the options, with the stack's role and work team unless others are given."""
        if self.stack is None or options.review_backend != A2I:
            return options
        return replace(
            options,
            a2i_role_arn=options.a2i_role_arn or self.stack.outputs.get("A2IRoleArn"),
            workteam_arn=options.workteam_arn or self.stack.outputs.get("WorkteamArn"),
        )


def deploy_loop_stack(site: Site, record: Mapping[str, Any]) -> LoopStack:
    """Create the loop's stack, or bring it up to date, without the resources that the loop has outside it.

    Raises DeploymentError with the resource that failed first, and ProvisioningError for a resource outside the stack.
    """
    stacks, name = Stacks(site.account), site.names.base
    with aws_errors_as("stack", name):
        stack = stacks.find_ours(name, LOOP)
    bucket = _bucket_name(site, record, stack)
    kept = find_kept(site, record, stack, bucket)
    given = {"Loop": slug(site.loop), "Path": site.loop.path, _BUCKET: bucket}
    if stack is None:
        _check_new(site, bucket, kept)
        flow = record.get(RecordKey.FLOW_DEFINITION_ARN)
        given |= {**kept.parameters, **({_FLOW: flow} if flow else {}), "OwnsParameters": "false"}
    with site.resource("stack", name) as resource:
        stack = _deploy(site, stacks, stack, given | _chosen(site, stack, given), resource)
    report_created(site, kept)
    values = {RecordKey.BUCKET: bucket, RecordKey.LOG_INDEX: INDEX, **created_by(stack), **kept.values}
    known = {key: value for key, value in record.items() if key in values and value}
    return LoopStack({**values, **known}, kept, stack)


def _bucket_name(site: Site, record: Mapping[str, Any], stack: Stack | None) -> str:
    """Return the bucket's name; a loop keeps the bucket that it has."""
    deployed = stack.parameters.get(_BUCKET) if stack else None
    had, asked = deployed or record.get(RecordKey.BUCKET), site.options.bucket
    if had and asked and had != asked:
        remedy = "leave out --bucket, or set up another loop"
        raise ProvisioningError("bucket", asked, f"the loop {site.loop.path} already has the bucket {had}", remedy)
    return str(had or asked or site.names.bucket)


def _check_new(site: Site, bucket: str, kept: Kept) -> None:
    if site.loop.path.lower().startswith(("/aws", "/ssm")):
        problem = "Parameter Store reserves paths that begin with aws or ssm"
        raise ProvisioningError("loop", site.loop.path, problem, "choose another name")
    queues = [key for key in kept.values if key.endswith("_queue_url")]
    if ("bucket", bucket) in kept.missing and queues:
        # A stack's bucket notifies queues of the same stack; these queues would first have to permit it.
        problem, remedy = "it no longer exists, but the loop's queues do", "create it, or delete the queues"
        raise ProvisioningError("bucket", bucket, problem, f"{remedy}, and run the command again")


def _chosen(site: Site, stack: Stack | None, given: Mapping[str, str]) -> dict[str, str]:
    """Return the template's parameters that people choose. An existing flow definition keeps its role and work team."""
    options, chosen = site.options, dict[str, str]()
    if options.operator_email is not None:
        chosen["OperatorEmail"] = options.operator_email
    if given.get(_FLOW) or (stack is not None and stack.parameters.get(_FLOW)):
        return chosen
    if options.review_backend is not None:
        chosen["A2I"] = str(options.review_backend == A2I).lower()
        if options.review_backend != A2I:
            chosen |= LEFT_TO_SETUP  # the page is kept, but is no longer the stack's
    if options.private_workforce:
        chosen["PrivateWorkforce"] = "true"
    if options.review_backend == A2I and options.labels:
        chosen |= task_ui(site, options.labels, stack)
    return chosen


def _deploy(
    site: Site, stacks: Stacks, stack: Stack | None, given: Mapping[str, str], resource: ManagedResource
) -> Stack | None:
    stack = _update(site, stacks, stack, given, resource)
    if stack is None:
        return None
    portal = stack.outputs.get(_PORTAL, "")
    if portal != stack.parameters.get(_PORTAL, ""):
        # AWS chooses the name of the portal that reviewers log in to, so it is known only now.
        stack = _update(site, stacks, stack, {**given, _PORTAL: portal}, resource)
    policy = _POLICY.read_text()
    if stacks.policy_differs(site.names.base, policy):
        resource.update("policy", lambda: stacks.set_policy(site.names.base, policy))
    return stack


def _update(
    site: Site, stacks: Stacks, stack: Stack | None, given: Mapping[str, str], resource: ManagedResource
) -> Stack | None:
    name = site.names.base
    plan = stacks.plan(name, stack, TEMPLATE, LOOP, given)
    if plan is None:
        return stack
    if plan.is_new:
        resource.note = plan.what
        resource.create(lambda: stacks.execute(plan))
    else:
        resource.update(plan.what, lambda: stacks.execute(plan))
    return stack if resource.dry_run else stacks.find(name)
