"""The condition on a copy's source that moto does not check: that it is still the object of an eTag."""

from urllib.parse import parse_qs, unquote, urlsplit

from moto.s3.models import s3_backends

from local_aws.errors import AwsError
from local_aws.requests import Request
from local_aws.services import ACCOUNT_ID

_HEADER = "x-amz-copy-source-if-match"


def check(request: Request) -> None:
    """Refuse a copy of an object that changed, as S3 does; one that is gone is left to moto, which says so."""
    wanted = request.header(_HEADER)
    if request.operation != "CopyObject" or not wanted:
        return
    source = urlsplit(request.header("x-amz-copy-source"))
    bucket, _, key = unquote(source.path).lstrip("/").partition("/")
    version = parse_qs(source.query).get("versionId", [None])[0]
    backend = s3_backends[ACCOUNT_ID]["aws"]
    found = backend.get_object(bucket, key, version_id=version) if bucket in backend.buckets else None
    if found is not None and wanted.strip('"') not in {"*", found.etag.strip('"')}:
        text = "At least one of the pre-conditions you specified did not hold"
        raise AwsError("PreconditionFailed", text, 412)
