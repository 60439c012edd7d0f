"""Turns AWS's errors into DeploymentErrors, which say what failed, why, and how to fix it."""

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,
    InvalidRegionError,
    NoCredentialsError,
    NoRegionError,
    TokenRetrievalError,
)

from label_loop.hooks.aws_errors import error_code
from label_loop.provisioning.report import DeploymentError, aws_words

_SIGN_IN = "sign in (aws sso login, aws configure, or the variables AWS_PROFILE, AWS_ACCESS_KEY_ID …)"
_GRANT = "grant the caller the permission that the message names; docs/deploying.md lists all that are needed"
_REMEDIES = {
    "AccessDenied": _GRANT,
    "AccessDeniedException": _GRANT,
    "ExpiredToken": _SIGN_IN,
    "ExpiredTokenException": _SIGN_IN,
    "InvalidClientTokenId": _SIGN_IN,
    "UnrecognizedClientException": f"{_SIGN_IN}, or choose a region that the account has enabled",
}


def of_aws(error: ClientError | BotoCoreError) -> DeploymentError:
    """Return the error for a refusal by AWS, or for a failure to reach AWS."""
    if isinstance(error, NoCredentialsError | TokenRetrievalError):
        return DeploymentError("AWS", "there are no credentials", _SIGN_IN)
    if isinstance(error, NoRegionError):
        remedy = "set REGION, such as REGION=eu-west-1, or the variable AWS_DEFAULT_REGION"
        return DeploymentError("AWS", "no region is set", remedy)
    if isinstance(error, ConnectionError | InvalidRegionError):
        remedy = "check REGION and the network: not every region offers every service"
    else:
        remedy = _REMEDIES.get(error_code(error), "correct the cause")
    return DeploymentError("AWS", aws_words(error), f"{remedy}, then run the command again: it continues")
