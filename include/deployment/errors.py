"""What ends a deployment before its end: always with what, why, and the way out."""

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
_WAYS_OUT = {
    "AccessDenied": "give the caller the permission it names; docs/deploying.md lists all that are needed",
    "AccessDeniedException": "give the caller the permission it names; docs/deploying.md lists all that are needed",
    "ExpiredToken": _SIGN_IN,
    "ExpiredTokenException": _SIGN_IN,
    "InvalidClientTokenId": _SIGN_IN,
    "UnrecognizedClientException": f"{_SIGN_IN}, or choose a region that the account has enabled",
}


def of_aws(error: ClientError | BotoCoreError) -> DeploymentError:
    """Put AWS's refusal, or a failure to reach AWS, in these words."""
    if isinstance(error, NoCredentialsError | TokenRetrievalError):
        return DeploymentError("AWS", "there are no credentials", _SIGN_IN)
    if isinstance(error, NoRegionError):
        return DeploymentError("AWS", "there is no region", "give REGION=eu-west-1 or the variable AWS_DEFAULT_REGION")
    if isinstance(error, ConnectionError | InvalidRegionError):
        way_out = "check REGION and the network: not each region offers each service"
    else:
        way_out = _WAYS_OUT.get(error_code(error), "correct the cause")
    return DeploymentError("AWS", aws_words(error), f"{way_out}, then run the command again: it continues")
