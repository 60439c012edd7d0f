"""Takes over a deployment of the AWS sample.

What is changed of the sample's is written to a parameter before it is changed, and ``back`` gives it back.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from label_loop.domain.moments import timestamp
from label_loop.loop_state import LoopState
from label_loop.provisioning.notifications import give_back, of_functions, read_notifications
from label_loop.provisioning.parameter_store import require_record, write_record
from label_loop.provisioning.provision import provision_at
from label_loop.provisioning.report import Line, Outcome, ProvisioningError
from label_loop.provisioning.sample import check, check_quiet
from label_loop.provisioning.sample_rules import disable, enable, enabled_rules, machines
from label_loop.provisioning.site import Site, found, naming
from label_loop.system_record import RecordKey, SystemRecord

ADOPTION = "Adoption"
_KIND = "parameter"
_DESCRIPTION = "What was switched off of the AWS sample, for the way back. Written by the adoption, not for people."
_NOTIFICATIONS, _RULES, _SINCE = "notifications", "rules", "adopted_at"


def adopt(site: Site, stack: str | None = None) -> None:
    """Have a loop take over what its parameters name: first it is told of uploads, then the sample is no more.

    Safe to repeat and to interrupt. Raises ProvisioningError before anything is changed where something is wrong.
    """
    site.options = replace(site.options, take_over=True)
    record = require_record(site)
    check(site, record)
    known = _read(site)
    functions = of_functions(read_notifications(site, record[RecordKey.BUCKET]))
    rules = enabled_rules(site, stack, [*(one["LambdaFunctionArn"] for one in functions), *machines(record)])
    if known is None:
        check_quiet(site, record)
    if not (stack or rules or known):
        note = "none is known: name the sample's stack with --stack, or disable its rules by hand"
        site.report(Line("schedules of", site.loop.path, Outcome.WRONG, note))
    kept = known or {}
    wanted = {
        _NOTIFICATIONS: _with(kept.get(_NOTIFICATIONS, []), functions),
        _RULES: _with(kept.get(_RULES, []), rules),
    }
    is_done = bool(kept.get(_SINCE)) and not (functions or rules)
    if not is_done:
        _write(site, wanted)
    provision_at(site)
    disable(site, rules)
    check_quiet(site, record)
    if not is_done and not site.options.dry_run:
        now = timestamp(datetime.now(UTC))
        # Without a model the sample detects nothing: those uploads are still to be done.
        if LoopState.parse(record).endpoint_arn:
            write_record(site, LoopState(uploads_taken_over_until=now).changes_since(LoopState()))
        _forget_state(site)
        _write(site, wanted | {_SINCE: now})


def _forget_state(site: Site) -> None:
    """Delete what the loop knew before, if it worked here before: its state begins anew with what the record has."""
    table = SystemRecord(site.loop, require_record(site)).state_table
    if table:
        with site.resource("table", table) as work:
            key = {"Loop": {"S": site.loop.path}}
            work.mend("state", lambda: site.client("dynamodb").delete_item(TableName=table, Key=key))


def back(site: Site) -> None:
    """Give back what the adoption switched off, as it was. Data, models and the loop's own resources stay."""
    record, known = require_record(site), _read(site)
    if known is None:
        site.report(Line("adoption of", site.loop.path, Outcome.UNCHANGED, "there is nothing to give back"))
        return
    give_back(site, record[RecordKey.BUCKET], known[_NOTIFICATIONS])
    enable(site, known[_RULES])
    name = site.loop.parameter(ADOPTION)
    with site.resource(_KIND, name) as work:
        work.mend("deleted", lambda: site.client("ssm").delete_parameter(Name=name))


def _with(kept: Sequence[Any], more: Sequence[Any]) -> list[Any]:
    return [*kept, *(one for one in more if one not in kept)]


def _read(site: Site) -> Mapping[str, Any] | None:
    name = site.loop.parameter(ADOPTION)
    with naming(_KIND, name):
        answer = found(lambda: site.client("ssm").get_parameter(Name=name), "ParameterNotFound")
    if answer is None:
        return None
    try:
        values = json.loads(answer["Parameter"]["Value"])
        if all(isinstance(values[key], list) for key in (_NOTIFICATIONS, _RULES)):
            return dict(values)
    except (ValueError, KeyError, TypeError):
        pass
    way_out = "restore it from its history in Parameter Store: it has what the way back needs"
    raise ProvisioningError(_KIND, name, "it is not what the adoption wrote", way_out)


def _write(site: Site, values: Mapping[str, Any]) -> None:
    """Write what the way back needs. It may be longer than the 4 KB of a standard parameter."""
    name = site.loop.parameter(ADOPTION)
    with site.resource(_KIND, name) as work:
        put = partial(site.client("ssm").put_parameter, Name=name, Type="String", Tier="Intelligent-Tiering")
        text = json.dumps(values)
        work.mend("written", lambda: put(Value=text, Description=_DESCRIPTION, Overwrite=True))
