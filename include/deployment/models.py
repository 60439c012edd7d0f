"""The model versions of loops, which cost money while they run."""

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from label_loop.hooks.aws_errors import error_code
from label_loop.loop import Loop
from label_loop.provisioning.account import Account
from label_loop.provisioning.report import DeploymentError
from label_loop.system_record import SYSTEM_RECORD, RecordKey

_POLL_SECONDS = 10.0
_MOST_POLLS = 240  # 40 minutes: a start takes up to half an hour
_COSTS = {"STARTING", "RUNNING", "STOPPING"}


class Models:
    """The model versions of the loops of an account and region."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._api: Any = account.client("rekognition")

    def stop(self, loop: Loop) -> None:
        """Stop all running versions, and wait until none runs. A version that is starting is stopped once it runs."""
        stopped: set[str] = set()
        for _ in range(_MOST_POLLS):
            left = {arn: status for arn, status in self._versions(loop).items() if status in _COSTS}
            for arn, status in left.items():
                if arn not in stopped and (status == "RUNNING" or self._account.dry_run):
                    stopped.add(arn)
                    self._account.do(f"stopped: {_name(arn)} of {loop.path}", partial(self._stop, arn))
            if not left or self._account.dry_run:
                return
            self._account.sleep(_POLL_SECONDS)
        remedy = "run the command again: it continues to wait"
        raise DeploymentError(f"The loop {loop.path}", f"{', '.join(map(_name, left))} does not stop", remedy)

    def running(self, loop: Loop) -> list[str]:
        """Return the names of the versions that cost money now."""
        return [_name(arn) for arn, status in self._versions(loop).items() if status in _COSTS]

    def training(self, loop: Loop) -> list[str]:
        """Return the names of the versions in training, which AWS cannot stop."""
        return [_name(arn) for arn, status in self._versions(loop).items() if status == "TRAINING_IN_PROGRESS"]

    def record(self, loop: Loop) -> dict[str, Any] | None:
        """Return the loop's system record, or None."""
        ssm = self._account.client("ssm")
        try:
            answer = ssm.get_parameter(Name=loop.parameter(SYSTEM_RECORD), WithDecryption=True)
        except ssm.exceptions.ParameterNotFound:
            return None
        try:
            record = json.loads(answer["Parameter"]["Value"])
        except ValueError:
            record = None
        if not isinstance(record, dict):
            problem, remedy = "it is not a JSON object", "restore it from its history in Parameter Store"
            raise DeploymentError(f"The parameter {loop.parameter(SYSTEM_RECORD)}", problem, remedy)
        return record

    def _versions(self, loop: Loop) -> dict[str, str]:
        project = (self.record(loop) or {}).get(RecordKey.PROJECT_ARN)
        return dict(self._statuses(project)) if project else {}

    def _statuses(self, project: str) -> Iterator[tuple[str, str]]:
        pages = self._api.get_paginator("describe_project_versions").paginate(ProjectArn=project)
        try:
            for page in pages:
                for version in page["ProjectVersionDescriptions"]:
                    yield version["ProjectVersionArn"], version["Status"]
        except self._api.exceptions.ResourceNotFoundException:
            return

    def _stop(self, arn: str) -> None:
        try:
            self._api.stop_project_version(ProjectVersionArn=arn)
        except ClientError as error:
            if error_code(error) != "ResourceInUseException":  # it is already being stopped
                raise


def _name(arn: str) -> str:
    return "the model version " + arn.rsplit("/version/", maxsplit=1)[-1].split("/", maxsplit=1)[0]
