"""The environments of Amazon MWAA: their status, and which loops they serve."""

from collections.abc import Mapping
from typing import Any

from label_loop.hooks.aws_errors import error_code
from label_loop.provisioning.account import Account
from label_loop.provisioning.report import DeploymentError

_OPTION = "label_loop.parameter_paths"
_BUSY = {"CREATING", "UPDATING", "DELETING", "ROLLING_BACK", "CREATING_SNAPSHOT", "PENDING", "MAINTENANCE"}
_FAILED = {"CREATE_FAILED", "UPDATE_FAILED", "UNAVAILABLE"}
_POLL_SECONDS = 30.0


class MwaaEnvironments:
    """The environments of an account and region."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._api: Any = account.client("mwaa")

    def find(self, name: str) -> Mapping[str, Any] | None:
        """Return MWAA's description of an environment, or None."""
        try:
            found: Mapping[str, Any] = self._api.get_environment(Name=name)["Environment"]
        except self._api.exceptions.ResourceNotFoundException:
            return None
        return None if found["Status"] == "DELETED" else found

    def serving(self, paths: list[str], *, but: str) -> dict[str, str]:
        """Return the loops that are served by other environments than ``but``, each with the environment's name."""
        found: dict[str, str] = {}
        for page in self._api.get_paginator("list_environments").paginate():
            for name in page["Environments"]:
                options = (self.find(name) or {}).get("AirflowConfigurationOptions") or {}
                served = split(options.get(_OPTION, "")) if name != but else []
                found |= {path: name for path in paths if path in served}
        return found

    def detail(self, name: str) -> str:
        """Return an environment's status, to be appended to a line; an empty text if it does not exist."""
        found = self.find(name)
        if found is None:
            return ""
        error = (found.get("LastUpdate") or {}).get("Error") or {}
        reason = f" ({error.get('ErrorCode')}: {error.get('ErrorMessage')})" if error else ""
        return f"; the environment {name} is {found['Status']}{reason}"

    def wait_until_idle(self, name: str) -> None:
        """Wait until MWAA has finished its work on the environment, since it refuses to update one in progress."""
        began, reported = self._account.clock(), ""
        while (found := self.find(name)) is not None and found["Status"] in _BUSY and not self._account.dry_run:
            minutes = f"{(self._account.clock() - began) / 60:.0f} min"
            if minutes != reported:
                self._account.say(f"    the environment {name} is {found['Status']}: waiting, {minutes}")
                reported = minutes
            self._account.sleep(_POLL_SECONDS)

    def check(self, name: str) -> None:
        """Raise DeploymentError if the deployment of the environment has failed."""
        found = self.find(name)
        if found is not None and found["Status"] in _FAILED:
            remedy = (
                f"read the log groups airflow-{name}-* in CloudWatch, correct the cause (most often a package that "
                "cannot be installed, or a network without internet access), then run the command again"
            )
            raise DeploymentError(f"The environment {name}", self.detail(name).removeprefix("; "), remedy)


def split(paths: str) -> list[str]:
    """Return the paths in a comma-separated text, without duplicates."""
    found = (path.strip().rstrip("/") for path in paths.split(","))
    return list(dict.fromkeys(path for path in found if path))


def log_groups(account: Account, name: str) -> list[str]:
    """Return the log groups that MWAA created for an environment, and keeps when the environment is deleted."""
    try:
        pages = (
            account.client("logs").get_paginator("describe_log_groups").paginate(logGroupNamePrefix=f"airflow-{name}-")
        )
        return [group["logGroupName"] for page in pages for group in page["logGroups"]]
    except account.client("logs").exceptions.ClientError as error:
        if error_code(error) not in {"AccessDenied", "AccessDeniedException"}:
            raise
        return [f"airflow-{name}-* (the caller may not list them)"]
