"""One loop in one account and region, with what the functions of provisioning share: clients, names, reporting."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from label_loop.hooks.aws_errors import error_code
from label_loop.loop import Loop
from label_loop.provisioning.account import Account, Say
from label_loop.provisioning.names import Names
from label_loop.provisioning.report import ProvisioningError, Report, ResourceLine, ResourceOutcome

_PATIENCE_SECONDS = 120.0
_POLL_SECONDS = 2.0
_AWS_DOMAINS = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws")


@dataclass(frozen=True)
class Options:
    """What a person chooses. None stands for what the loop already has, else for the default."""

    bucket: str | None = None
    labels: tuple[str, ...] | None = None
    workteam_arn: str | None = None
    a2i_role_arn: str | None = None
    operator_email: str | None = None
    review_backend: str | None = None
    private_workforce: bool = False  # with Amazon A2I, whether the loop gets a user pool of reviewers of its own
    take_over: bool = False  # whether the loop replaces functions that the bucket notifies of objects in its folders
    dry_run: bool = False


class ManagedResource:
    """One resource that is created or updated; in a dry run, what would be done is only recorded."""

    def __init__(self, dry_run: bool) -> None:
        self.dry_run = dry_run
        self.created = False
        self.updates: list[str] = []
        self.note = ""

    def create(self, action: Callable[[], Any]) -> Any:
        """Create the resource; return what the action returns, or None in a dry run."""
        self.created = True
        return None if self.dry_run else action()

    def update(self, what: str, action: Callable[[], Any]) -> None:
        """Update one aspect of the resource; ``what`` names it in the report."""
        self.updates.append(what)
        if not self.dry_run:
            action()

    @property
    def outcome(self) -> ResourceOutcome:
        """What happened to the resource."""
        if self.created:
            return ResourceOutcome.CREATED
        return ResourceOutcome.UPDATED if self.updates else ResourceOutcome.UNCHANGED

    @property
    def detail(self) -> str:
        """What was updated, then what a person should know."""
        updates = "" if self.created else ", ".join(self.updates)
        return "; ".join(part for part in (updates, self.note) if part)


class Site:
    """One loop in one account and region: ``report`` receives a line for each resource, ``say`` the progress."""

    def __init__(
        self, loop: Loop, options: Options, session: boto3.Session, report: Report, say: Say = lambda _: None
    ) -> None:
        self.loop = loop
        self.options = options
        self.report = report
        self.account = Account(session, say, dry_run=options.dry_run)

    def client(self, service: str) -> Any:
        """Return the client for a service."""
        return self.account.client(service)

    @cached_property
    def names(self) -> Names:
        """The names of the loop's resources. STS is asked for the account."""
        with aws_errors_as("loop", self.loop.path):
            identity = self.client("sts").get_caller_identity()
        partition = identity["Arn"].split(":")[1]
        region = self.client("sts").meta.region_name
        return Names(self.loop, partition, region, identity["Account"])

    @property
    def where(self) -> str:
        """The account and the region, and the endpoint if it is not AWS itself."""
        endpoint = f", endpoint {self.client('sts').meta.endpoint_url}" if self.is_local else ""
        return f"account {self.names.account}, region {self.names.region}{endpoint}"

    @cached_property
    def is_local(self) -> bool:
        """Whether the endpoint is not AWS itself, so that stand-ins for people and roles suffice."""
        host = urlsplit(self.client("sagemaker").meta.endpoint_url).hostname or ""
        return not host.endswith(_AWS_DOMAINS)

    @property
    def tags(self) -> dict[str, str]:
        """The tag of everything that belongs to the loop."""
        return {"label-loop": self.loop.name}

    @property
    def tag_list(self) -> list[dict[str, str]]:
        """The tag in the form that most services take."""
        return [{"Key": key, "Value": value} for key, value in self.tags.items()]

    @contextmanager
    def resource(self, kind: str, name: str) -> Iterator[ManagedResource]:
        """Yield a resource, and report it at the end. Raises ProvisioningError for what AWS refuses."""
        resource = ManagedResource(self.options.dry_run)
        with aws_errors_as(kind, name):
            yield resource
        self.report(ResourceLine(kind, name, resource.outcome, resource.detail, planned=resource.dry_run))

    def until(self, done: Callable[[], bool], kind: str, name: str, what: str) -> None:
        """Poll until a resource is in the desired state. Raises ProvisioningError after two minutes."""
        for _ in range(int(_PATIENCE_SECONDS / _POLL_SECONDS)):
            if done():
                return
            self.account.sleep(_POLL_SECONDS)
        remedy = "run the command again later: it continues where it stopped"
        raise ProvisioningError(kind, name, f"it is not {what} after {_PATIENCE_SECONDS:.0f} s", remedy)

    def retry_on(self, action: Callable[[], Any], *codes: str, seconds: float = _PATIENCE_SECONDS) -> Any:
        """Repeat an action while it fails with one of the codes, as it may until a new resource is ready."""
        for _ in range(int(seconds / _POLL_SECONDS)):
            try:
                return action()
            except ClientError as error:
                if error_code(error) not in codes:
                    raise
            self.account.sleep(_POLL_SECONDS)
        return action()


@contextmanager
def aws_errors_as(kind: str, name: str) -> Iterator[None]:
    """Turn an AWS error raised inside into a ProvisioningError that names the resource."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise ProvisioningError.of(kind, name, error) from error


def or_none[T](look: Callable[[], T], *absent: str) -> T | None:
    """Return the result of a look-up, or None if AWS answers with one of the codes for a missing resource."""
    try:
        return look()
    except ClientError as error:
        if error_code(error) in absent:
            return None
        raise
