"""The loop's parameters and its system record in Parameter Store."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from itertools import batched
from typing import Any

from label_loop.domain.moments import timestamp
from label_loop.exceptions import LoopNotSetUpError
from label_loop.loop_state import LoopState
from label_loop.parameters import PARAMETERS
from label_loop.provisioning.report import ProvisioningError, UnknownLoopError
from label_loop.provisioning.site import Site, aws_errors_as, or_none
from label_loop.system_record import SYSTEM_RECORD, SYSTEM_RECORD_DESCRIPTION, SystemRecord

_KIND = "parameter"
_NAMES_PER_CALL = 10  # of GetParameters
ADOPTION = "Adoption"  # the parameter that holds what an adoption switched off
_AS_THE_SAMPLE = {
    "Approve-Deployments": "never",
    "Bake-Hours": "0",
    "Test-With-Human-Samples": "false",
    "Train-None-Of-The-Above": "false",
}


def ensure_parameters(site: Site) -> None:
    """Create the parameters that are missing, with their defaults. Existing values are never changed.

    An adopted loop goes on as the AWS sample did until somebody changes its parameters.
    """
    ssm = site.client("ssm")
    names = [site.loop.parameter(name) for name in PARAMETERS]
    adoption = site.loop.parameter(ADOPTION)
    with aws_errors_as("parameters below", site.loop.path):
        answers = [ssm.get_parameters(Names=list(some)) for some in batched([*names, adoption], _NAMES_PER_CALL)]
    present = {parameter["Name"] for answer in answers for parameter in answer["Parameters"]}
    is_adopted = site.options.take_over or adoption in present
    for name, parameter in zip(names, PARAMETERS.values(), strict=True):
        with site.resource(_KIND, name) as resource:
            if name not in present:
                default = _AS_THE_SAMPLE.get(parameter.name) if is_adopted else None
                value = {"Value": default or parameter.default, "Description": parameter.description}
                resource.create(partial(ssm.put_parameter, Name=name, Type="String", Tags=site.tag_list, **value))


def read_record(site: Site) -> Mapping[str, Any]:
    """Return the values of the system record, which is empty before the first run.

    Raises ProvisioningError if the parameter is not a JSON object.
    """
    with aws_errors_as(_KIND, site.loop.parameter(SYSTEM_RECORD)):
        return _values(site, _read(site))


def require_record(site: Site) -> Mapping[str, Any]:
    """Return the system record's values. Raises UnknownLoopError if this account and region have no such loop."""
    record = read_record(site)
    if not record:
        raise UnknownLoopError(site.loop.path, site.where)
    return record


def write_record(site: Site, changes: Mapping[str, Any]) -> Mapping[str, Any]:
    """Set these keys in the record as it is now, and leave the others unchanged; return the record's values.

    ``sampling_since`` is set to the current time if it is missing.
    """
    name = site.loop.parameter(SYSTEM_RECORD)
    ssm = site.client("ssm")
    with site.resource(_KIND, name) as resource:
        present = _read(site)
        before = _values(site, present)
        beginning = LoopState(sampling_since=timestamp(datetime.now(UTC))).changes_since(LoopState())
        values = {**beginning, **before, **changes}
        put = partial(ssm.put_parameter, Name=name, Value=json.dumps(values), Description=SYSTEM_RECORD_DESCRIPTION)
        if present is None:
            resource.create(lambda: put(Type="String", Tags=site.tag_list))
        elif values != before:
            changed = ", ".join(key for key, value in values.items() if before.get(key) != value)
            resource.update(changed, lambda: put(Type=present["Type"], Overwrite=True))
    return values


def _read(site: Site) -> Mapping[str, Any] | None:
    name = site.loop.parameter(SYSTEM_RECORD)
    look = partial(site.client("ssm").get_parameter, Name=name, WithDecryption=True)
    answer = or_none(look, "ParameterNotFound")
    return answer["Parameter"] if answer else None


def _values(site: Site, parameter: Mapping[str, Any] | None) -> Mapping[str, Any]:
    if parameter is None:
        return {}
    try:
        return SystemRecord.parse(site.loop, parameter["Value"]).values
    except LoopNotSetUpError as error:
        name = site.loop.parameter(SYSTEM_RECORD)
        remedy = "restore it from its history in Parameter Store, or delete it, and run the command again"
        raise ProvisioningError(_KIND, name, "it exists, but is not a JSON object", remedy) from error
