"""The loop's bucket."""

from collections.abc import Callable
from functools import partial
from typing import Any

from label_loop.domain.labels import Labels, folder_names, labels_of
from label_loop.domain.training import labelled_image
from label_loop.payloads import (
    ANSWERS_FOLDER,
    EVALUATION_FOLDER,
    LABELLED_FOLDER,
    MANIFESTS_FOLDER,
    TEST_FOLDER,
    UPLOADS_FOLDER,
)
from label_loop.provisioning.policies import merged, rekognition_statements
from label_loop.provisioning.report import ProvisioningError
from label_loop.provisioning.site import Site, Work, found

_FOLDERS = (
    LABELLED_FOLDER,
    UPLOADS_FOLDER,
    TEST_FOLDER,
    ANSWERS_FOLDER,
    MANIFESTS_FOLDER,
    EVALUATION_FOLDER,
)
_ABSENT = ("404", "NoSuchBucket", "NotFound")
_NO_ACCESS = {
    "BlockPublicAcls": True,
    "IgnorePublicAcls": True,
    "BlockPublicPolicy": True,
    "RestrictPublicBuckets": True,
}
# Browsers show a reviewer an image turned as its EXIF says only if the bucket allows the other origin to read it.
_CORS_RULE = {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"], "AllowedHeaders": [], "ExposeHeaders": []}


def ensure_bucket(site: Site, name: str) -> None:
    """Make the bucket, or mend what differs; its other settings, rules and objects stay.

    Versioned, encrypted, closed to the public, readable by Rekognition, with a marker for each folder and label.
    """
    s3 = site.client("s3")
    account = site.names.account
    with site.resource("bucket", name) as work:
        there = found(lambda: s3.head_bucket(Bucket=name, ExpectedBucketOwner=account), *_ABSENT)
        if there is None:
            work.create(lambda: _create(site, name))
        elif there.get("BucketRegion", site.names.region) != site.names.region:
            problem = f"it lies in {there['BucketRegion']}, but the loop in {site.names.region}"
            raise ProvisioningError("bucket", name, problem, "work in the bucket's region, or choose another")
        if there is not None or not work.dry_run:
            for mend in (_tag, _version, _encrypt, _close, _admit_rekognition, _admit_browsers, _mark_folders):
                mend(site, name, work)


def labels_in(site: Site, bucket: str) -> Labels:
    """Return the labels that have a folder of training images."""
    pages = site.client("s3").get_paginator("list_objects_v2")
    listing = pages.paginate(Bucket=bucket, Prefix=LABELLED_FOLDER, Delimiter="/")
    # No bucket, no labels: a dry run has not made it.
    listed = found(lambda: list(listing), "NoSuchBucket") or []
    prefixes = [prefix["Prefix"] for page in listed for prefix in page.get("CommonPrefixes", [])]

    def images_in(name: str) -> int:
        of_folder = pages.paginate(Bucket=bucket, Prefix=f"{LABELLED_FOLDER}{name}/")
        keys = (item["Key"] for page in of_folder for item in page.get("Contents", []))
        return sum(labelled_image(LABELLED_FOLDER, key, "") is not None for key in keys)

    return labels_of(folder_names(prefixes), images_in)


def _create(site: Site, name: str) -> None:
    region = site.names.region
    # us-east-1 is where buckets lie by default, and no location constraint.
    where: dict[str, Any] = (
        {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    )
    site.client("s3").create_bucket(Bucket=name, **where)


def _tag(site: Site, bucket: str, work: Work) -> None:
    s3 = site.client("s3")
    answer = found(lambda: s3.get_bucket_tagging(Bucket=bucket), "NoSuchTagSet") or {"TagSet": []}
    tags = {tag["Key"]: tag["Value"] for tag in answer["TagSet"]}
    other = tags.get("label-loop", site.loop.name)
    if other != site.loop.name:
        problem = f"it belongs to the loop {other} by its tag label-loop"
        raise ProvisioningError("bucket", bucket, problem, "give each loop a bucket of its own with --bucket")
    wanted = tags | site.tags
    if wanted != tags:
        tag_set = [{"Key": key, "Value": value} for key, value in wanted.items()]
        work.mend("tags", lambda: s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tag_set}))


def _version(site: Site, bucket: str, work: Work) -> None:
    s3 = site.client("s3")
    if s3.get_bucket_versioning(Bucket=bucket).get("Status") != "Enabled":
        put = partial(s3.put_bucket_versioning, Bucket=bucket)
        work.mend("versioning", lambda: put(VersioningConfiguration={"Status": "Enabled"}))


def _encrypt(site: Site, bucket: str, work: Work) -> None:
    s3 = site.client("s3")
    absent = "ServerSideEncryptionConfigurationNotFoundError"
    if found(lambda: s3.get_bucket_encryption(Bucket=bucket), absent) is None:
        rules = [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
        put = partial(s3.put_bucket_encryption, Bucket=bucket)
        work.mend("encryption", lambda: put(ServerSideEncryptionConfiguration={"Rules": rules}))


def _close(site: Site, bucket: str, work: Work) -> None:
    s3 = site.client("s3")
    look = partial(s3.get_public_access_block, Bucket=bucket)
    answer = found(look, "NoSuchPublicAccessBlockConfiguration") or {}
    if answer.get("PublicAccessBlockConfiguration") != _NO_ACCESS:
        put = partial(s3.put_public_access_block, Bucket=bucket)
        work.mend("public access block", lambda: put(PublicAccessBlockConfiguration=_NO_ACCESS))


def _admit_rekognition(site: Site, bucket: str, work: Work) -> None:
    s3 = site.client("s3")
    answer = found(lambda: s3.get_bucket_policy(Bucket=bucket), "NoSuchBucketPolicy") or {}
    policy = merged(answer.get("Policy"), rekognition_statements(site.names, bucket))
    if policy is not None:
        work.mend("policy for Rekognition", lambda: s3.put_bucket_policy(Bucket=bucket, Policy=policy))


def _admit_browsers(site: Site, bucket: str, work: Work) -> None:
    s3 = site.client("s3")
    answer = found(lambda: s3.get_bucket_cors(Bucket=bucket), "NoSuchCORSConfiguration") or {}
    rules = answer.get("CORSRules", [])
    if not any("GET" in rule["AllowedMethods"] and "*" in rule["AllowedOrigins"] for rule in rules):
        put = partial(s3.put_bucket_cors, Bucket=bucket)
        work.mend("CORS", lambda: put(CORSConfiguration={"CORSRules": [*rules, _CORS_RULE]}))


def _mark_folders(site: Site, bucket: str, work: Work) -> None:
    labels = site.options.labels or ()
    filed_as = labels_in(site, bucket).filed_as if labels else str
    for key in (*_FOLDERS, *(f"{LABELLED_FOLDER}{filed_as(label)}/" for label in labels)):
        look: Callable[[], Any] = partial(site.client("s3").head_object, Bucket=bucket, Key=key)
        if found(look, *_ABSENT, "NoSuchKey") is None:
            work.mend(key, partial(site.client("s3").put_object, Bucket=bucket, Key=key, Body=b""))
