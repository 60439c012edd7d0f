"""Takes over a deployment of the AWS sample.

What the adoption switches off is first recorded in a parameter, from which ``give_back`` switches it on again.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from label_loop.domain.moments import timestamp
from label_loop.loop_state import LoopState
from label_loop.provisioning.notifications import function_notifications, read_notifications, restore_notifications
from label_loop.provisioning.parameter_store import ADOPTION, require_record, write_record
from label_loop.provisioning.provision import provision_at
from label_loop.provisioning.report import ProvisioningError, ResourceLine, ResourceOutcome
from label_loop.provisioning.sample import check, check_idle
from label_loop.provisioning.sample_rules import disable, enable, enabled_rules, stack_resources, state_machines
from label_loop.provisioning.site import Site, aws_errors_as, or_none
from label_loop.system_record import RecordKey, SystemRecord

_KIND = "parameter"
_DESCRIPTION = "What the adoption switched off in the AWS sample, so that it can be given back. Do not edit."
_NOTIFICATIONS, _RULES, _SINCE = "notifications", "rules", "adopted_at"
_FLOW = str(RecordKey.FLOW_DEFINITION_ARN)  # which new labels replace


def adopt(site: Site, stack: str | None = None) -> None:
    """Have a loop take over what its parameters name: it first receives the uploads, then the sample is switched off.

    Safe to repeat and to interrupt. Raises ProvisioningError before it changes anything if something is wrong.
    """
    site.options = replace(site.options, take_over=True)
    record = require_record(site)
    check(site, record)
    known = _read(site)
    resources = stack_resources(site, stack, record) if stack else []
    functions = function_notifications(read_notifications(site, record[RecordKey.BUCKET]))
    targets = [*(one["LambdaFunctionArn"] for one in functions), *state_machines(record)]
    rules = enabled_rules(site, resources, targets)
    if known is None:
        check_idle(site, record)
    if not (stack or rules or known):
        note = "none found: name the sample's stack with --stack, or disable its rules by hand"
        site.report(ResourceLine("schedules of", site.loop.path, ResourceOutcome.PROBLEM, note))
    kept = known or {}
    wanted: dict[str, Any] = {
        _NOTIFICATIONS: _with(kept.get(_NOTIFICATIONS, []), functions),
        _RULES: _with(kept.get(_RULES, []), rules),
        _FLOW: kept.get(_FLOW) or record.get(_FLOW),
    }
    is_done = bool(kept.get(_SINCE)) and not (functions or rules)
    if not is_done:
        _write(site, wanted)
    provision_at(site)
    disable(site, rules)
    check_idle(site, record)
    if not is_done and not site.options.dry_run:
        now = timestamp(datetime.now(UTC))
        # Without a model, the sample detected nothing: those uploads are still to be processed.
        if LoopState.parse(record).endpoint_arn:
            write_record(site, LoopState(uploads_taken_over_until=now).changes_since(LoopState()))
        _forget_state(site)
        _write(site, wanted | {_SINCE: now})


def _forget_state(site: Site) -> None:
    """Delete the state of an earlier adoption, if there was one: the loop starts again from the record."""
    table = SystemRecord(site.loop, require_record(site)).state_table
    if table:
        with site.resource("table", table) as resource:
            key = {"Loop": {"S": site.loop.path}}
            resource.update("state", lambda: site.client("dynamodb").delete_item(TableName=table, Key=key))


def give_back(site: Site) -> None:
    """Switch on again what the adoption switched off. Data, models and the loop's own resources are kept."""
    record, known = require_record(site), _read(site)
    if known is None:
        site.report(
            ResourceLine("adoption of", site.loop.path, ResourceOutcome.UNCHANGED, "there is nothing to give back")
        )
        return
    restore_notifications(site, record[RecordKey.BUCKET], known[_NOTIFICATIONS])
    enable(site, known[_RULES])
    if known.get(_FLOW):
        write_record(site, {_FLOW: known[_FLOW]})
    name = site.loop.parameter(ADOPTION)
    with site.resource(_KIND, name) as resource:
        resource.update("deleted", lambda: site.client("ssm").delete_parameter(Name=name))


def _with(kept: Sequence[Any], more: Sequence[Any]) -> list[Any]:
    return [*kept, *(one for one in more if one not in kept)]


def _read(site: Site) -> Mapping[str, Any] | None:
    name = site.loop.parameter(ADOPTION)
    with aws_errors_as(_KIND, name):
        answer = or_none(lambda: site.client("ssm").get_parameter(Name=name), "ParameterNotFound")
    if answer is None:
        return None
    try:
        values = json.loads(answer["Parameter"]["Value"])
        if all(isinstance(values[key], list) for key in (_NOTIFICATIONS, _RULES)):
            return dict(values)
    except (ValueError, KeyError, TypeError):
        pass
    remedy = "restore it from its history in Parameter Store: giving the sample back depends on it"
    raise ProvisioningError(_KIND, name, "it is not what the adoption wrote", remedy)


def _write(site: Site, values: Mapping[str, Any]) -> None:
    """Record what ``give_back`` needs, which may be longer than the 4 KB of a standard parameter."""
    name = site.loop.parameter(ADOPTION)
    with site.resource(_KIND, name) as resource:
        put = partial(site.client("ssm").put_parameter, Name=name, Type="String", Tier="Intelligent-Tiering")
        text = json.dumps(values)
        resource.update("written", lambda: put(Value=text, Description=_DESCRIPTION, Overwrite=True))
