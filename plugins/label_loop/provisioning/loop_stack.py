"""A loop's stack, which makes all of a loop that has a resource type."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from label_loop.provisioning.kept import Kept, look_for_kept, made_by, report_made
from label_loop.provisioning.names import slug
from label_loop.provisioning.report import ProvisioningError
from label_loop.provisioning.review import A2I
from label_loop.provisioning.site import Options, Site, Work, naming
from label_loop.provisioning.stack import LOOP, Stack
from label_loop.provisioning.stacks import Stacks
from label_loop.provisioning.table import INDEX
from label_loop.provisioning.task_ui import LEFT_TO_SETUP, task_ui
from label_loop.system_record import RecordKey

TEMPLATE = Path(__file__).with_name("loop.yaml")
# CloudFormation would write its own texts over those of people and of the loop at any update of a parameter.
_POLICY = Path(__file__).with_name("loop-stack-policy.json")
_BUCKET, _FLOW, _PORTAL = "BucketName", "ExistingFlowDefinition", "PortalDomain"


@dataclass(frozen=True)
class LoopStack:
    """What a loop has: ``values`` by the record's keys. ``stack`` is None where a dry run did not make it."""

    values: Mapping[str, Any]
    kept: Kept
    stack: Stack | None

    def options(self, options: Options) -> Options:
        """Return the options with the role and the work team that the stack made, where no others are given."""
        if self.stack is None or options.review_backend != A2I:
            return options
        return replace(
            options,
            a2i_role_arn=options.a2i_role_arn or self.stack.outputs.get("A2IRoleArn"),
            workteam_arn=options.workteam_arn or self.stack.outputs.get("WorkteamArn"),
        )


def deploy_loop_stack(site: Site, record: Mapping[str, Any]) -> LoopStack:
    """Make the loop's stack, or bring it up to date; what the loop has without it is left out of it.

    Raises DeploymentError with the resource that failed first, ProvisioningError for what the loop has without it.
    """
    stacks, name = Stacks(site.account), site.names.base
    with naming("stack", name):
        stack = stacks.ours(name, LOOP)
    bucket = _bucket_name(site, record, stack)
    kept = look_for_kept(site, record, stack, bucket)
    given = {"Loop": slug(site.loop), "Path": site.loop.path, _BUCKET: bucket}
    if stack is None:
        _check_new(site, bucket, kept)
        flow = record.get(RecordKey.FLOW_DEFINITION_ARN)
        given |= {**kept.parameters, **({_FLOW: flow} if flow else {}), "OwnsParameters": "false"}
    with site.resource("stack", name) as work:
        stack = _deploy(site, stacks, stack, given | _wished(site, stack, given), work)
    report_made(site, kept)
    values = {RecordKey.BUCKET: bucket, RecordKey.LOG_INDEX: INDEX, **made_by(stack), **kept.values}
    known = {key: value for key, value in record.items() if key in values and value}
    return LoopStack({**values, **known}, kept, stack)


def _bucket_name(site: Site, record: Mapping[str, Any], stack: Stack | None) -> str:
    """Return the bucket's name: a loop that has one keeps it."""
    deployed = stack.parameters.get(_BUCKET) if stack else None
    had, asked = deployed or record.get(RecordKey.BUCKET), site.options.bucket
    if had and asked and had != asked:
        way_out = "leave --bucket out, or set up another loop"
        raise ProvisioningError("bucket", asked, f"the loop {site.loop.path} has the bucket {had}", way_out)
    return str(had or asked or site.names.bucket)


def _check_new(site: Site, bucket: str, kept: Kept) -> None:
    if site.loop.path.lower().startswith(("/aws", "/ssm")):
        problem = "Parameter Store keeps paths that begin with aws or ssm to AWS"
        raise ProvisioningError("loop", site.loop.path, problem, "choose another name")
    queues = [key for key in kept.values if key.endswith("_queue_url")]
    if ("bucket", bucket) in kept.missing and queues:
        # It tells queues of the same stack of its objects; these would have to let it do so first.
        problem, way_out = "it is gone, but the loop's queues are there", "make it, or delete the queues"
        raise ProvisioningError("bucket", bucket, problem, f"{way_out}, and run the command again")


def _wished(site: Site, stack: Stack | None, given: Mapping[str, str]) -> dict[str, str]:
    """Return the template's parameters that people choose. Reviewers from before the stack keep their role."""
    options, wished = site.options, dict[str, str]()
    if options.operator_email is not None:
        wished["OperatorEmail"] = options.operator_email
    if given.get(_FLOW) or (stack is not None and stack.parameters.get(_FLOW)):
        return wished
    if options.review_backend is not None:
        wished["A2I"] = str(options.review_backend == A2I).lower()
        if options.review_backend != A2I:
            wished |= LEFT_TO_SETUP  # the stack lets go of the page, which stays
    if options.private_workforce:
        wished["PrivateWorkforce"] = "true"
    if options.review_backend == A2I and options.labels:
        wished |= task_ui(site, options.labels, stack)
    return wished


def _deploy(site: Site, stacks: Stacks, stack: Stack | None, given: Mapping[str, str], work: Work) -> Stack | None:
    stack = _bring_up(site, stacks, stack, given, work)
    if stack is None:
        return None
    portal = stack.outputs.get(_PORTAL, "")
    if portal != stack.parameters.get(_PORTAL, ""):
        # Reviewers log in to a portal whose name AWS chooses: known only now.
        stack = _bring_up(site, stacks, stack, {**given, _PORTAL: portal}, work)
    policy = _POLICY.read_text()
    if stacks.policy_differs(site.names.base, policy):
        work.mend("policy", lambda: stacks.set_policy(site.names.base, policy))
    return stack


def _bring_up(site: Site, stacks: Stacks, stack: Stack | None, given: Mapping[str, str], work: Work) -> Stack | None:
    name = site.names.base
    plan = stacks.plan(name, stack, TEMPLATE, LOOP, given)
    if plan is None:
        return stack
    if plan.is_new:
        work.note = plan.what
        work.create(lambda: stacks.carry_out(plan))
    else:
        work.mend(plan.what, lambda: stacks.carry_out(plan))
    return stack if work.dry_run else stacks.find(name)
