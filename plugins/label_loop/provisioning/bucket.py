"""The loop's bucket: its folders and, if the loop's stack did not create the bucket, its settings."""

from functools import partial

from label_loop.domain.labels import Labels, folder_names, labels_of
from label_loop.domain.training_images import folder_label
from label_loop.payloads import (
    ANSWERS_FOLDER,
    EVALUATION_FOLDER,
    LABELLED_FOLDER,
    MANIFESTS_FOLDER,
    NONE_FOLDER,
    TEST_FOLDER,
    UPLOADS_FOLDER,
)
from label_loop.provisioning.names import slug
from label_loop.provisioning.policies import merged, rekognition_statements, tls_statement
from label_loop.provisioning.report import ProvisioningError
from label_loop.provisioning.site import ManagedResource, Site, or_none

_FOLDERS = (
    LABELLED_FOLDER,
    UPLOADS_FOLDER,
    TEST_FOLDER,
    NONE_FOLDER,
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
# A browser rotates an image by its EXIF data only if the bucket allows the console's origin to read the image.
_CORS_RULE = {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"], "AllowedHeaders": [], "ExposeHeaders": []}


def find_bucket(site: Site, name: str) -> tuple[str, str] | None:
    """Return a bucket's ARN and its name, or None. Raises ProvisioningError if the bucket is in another region."""
    look = partial(site.client("s3").head_bucket, Bucket=name, ExpectedBucketOwner=site.names.account)
    there = or_none(look, *_ABSENT)
    if there is None:
        return None
    if there.get("BucketRegion", site.names.region) != site.names.region:
        problem = f"it is in {there['BucketRegion']}, but the loop is in {site.names.region}"
        raise ProvisioningError("bucket", name, problem, "use the bucket's region, or choose another bucket")
    return site.names.bucket_arn(name), name


def adapt_bucket(site: Site, name: str) -> None:
    """Bring a bucket up to date that the loop's stack did not create.

    It becomes versioned, encrypted, closed to the public and readable by Rekognition. Other settings, rules and
    objects are kept.
    """
    with site.resource("bucket", name) as resource:
        for update in (_tag, _version, _encrypt, _close, _set_policy, _admit_browsers):
            update(site, name, resource)


def ensure_folders(site: Site, bucket: str) -> None:
    """Put a marker object into the bucket for each folder and label that has none."""
    labels = site.options.labels or ()
    filed_as = labels_in(site, bucket).filed_as if labels else str
    keys = (*_FOLDERS, *(f"{LABELLED_FOLDER}{filed_as(label)}/" for label in labels))
    s3 = site.client("s3")
    with site.resource("folders of", bucket) as resource:
        present = [_exists(site, bucket, key) for key in keys]
        put = partial(s3.put_object, Bucket=bucket, Body=b"")
        for key in (key for key, there in zip(keys, present, strict=True) if not there):
            if any(present):
                resource.update(key, partial(put, Key=key))
            else:
                resource.create(partial(put, Key=key))


def labels_in(site: Site, bucket: str) -> Labels:
    """Return the labels that have a folder of training images."""
    pages = site.client("s3").get_paginator("list_objects_v2")
    listing = pages.paginate(Bucket=bucket, Prefix=LABELLED_FOLDER, Delimiter="/")
    # In a dry run, the bucket may not exist yet.
    listed = or_none(lambda: list(listing), "NoSuchBucket") or []
    prefixes = [prefix["Prefix"] for page in listed for prefix in page.get("CommonPrefixes", [])]

    def images_in(name: str) -> int:
        of_folder = pages.paginate(Bucket=bucket, Prefix=f"{LABELLED_FOLDER}{name}/")
        keys = (item["Key"] for page in of_folder for item in page.get("Contents", []))
        return sum(folder_label(LABELLED_FOLDER, key) is not None for key in keys)

    return labels_of(folder_names(LABELLED_FOLDER, prefixes), images_in)


def _tag(site: Site, bucket: str, resource: ManagedResource) -> None:
    s3 = site.client("s3")
    answer = or_none(lambda: s3.get_bucket_tagging(Bucket=bucket), "NoSuchTagSet") or {"TagSet": []}
    tags = {tag["Key"]: tag["Value"] for tag in answer["TagSet"]}
    other = tags.get("label-loop", site.loop.name)
    if other not in (site.loop.name, slug(site.loop)):  # a stack tags its resources with the slug
        problem = f"its tag label-loop says that it belongs to the loop {other}"
        raise ProvisioningError("bucket", bucket, problem, "give each loop a bucket of its own with --bucket")
    wanted = site.tags | tags
    if wanted != tags:
        tag_set = [{"Key": key, "Value": value} for key, value in wanted.items()]
        resource.update("tags", lambda: s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tag_set}))


def _version(site: Site, bucket: str, resource: ManagedResource) -> None:
    s3 = site.client("s3")
    if s3.get_bucket_versioning(Bucket=bucket).get("Status") != "Enabled":
        put = partial(s3.put_bucket_versioning, Bucket=bucket)
        resource.update("versioning", lambda: put(VersioningConfiguration={"Status": "Enabled"}))


def _encrypt(site: Site, bucket: str, resource: ManagedResource) -> None:
    s3 = site.client("s3")
    absent = "ServerSideEncryptionConfigurationNotFoundError"
    if or_none(lambda: s3.get_bucket_encryption(Bucket=bucket), absent) is None:
        rules = [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
        put = partial(s3.put_bucket_encryption, Bucket=bucket)
        resource.update("encryption", lambda: put(ServerSideEncryptionConfiguration={"Rules": rules}))


def _close(site: Site, bucket: str, resource: ManagedResource) -> None:
    s3 = site.client("s3")
    look = partial(s3.get_public_access_block, Bucket=bucket)
    answer = or_none(look, "NoSuchPublicAccessBlockConfiguration") or {}
    if answer.get("PublicAccessBlockConfiguration") != _NO_ACCESS:
        put = partial(s3.put_public_access_block, Bucket=bucket)
        resource.update("public access block", lambda: put(PublicAccessBlockConfiguration=_NO_ACCESS))


def _set_policy(site: Site, bucket: str, resource: ManagedResource) -> None:
    s3 = site.client("s3")
    answer = or_none(lambda: s3.get_bucket_policy(Bucket=bucket), "NoSuchBucketPolicy") or {}
    statements = rekognition_statements(site.names, bucket)
    if bucket == site.names.bucket:  # a bucket that the loop shares may have clients without TLS
        statements = [tls_statement(site.names, bucket), *statements]
    policy = merged(answer.get("Policy"), statements)
    if policy is not None:
        resource.update("policy", lambda: s3.put_bucket_policy(Bucket=bucket, Policy=policy))


def _admit_browsers(site: Site, bucket: str, resource: ManagedResource) -> None:
    s3 = site.client("s3")
    answer = or_none(lambda: s3.get_bucket_cors(Bucket=bucket), "NoSuchCORSConfiguration") or {}
    rules = answer.get("CORSRules", [])
    if not any("GET" in rule["AllowedMethods"] and "*" in rule["AllowedOrigins"] for rule in rules):
        put = partial(s3.put_bucket_cors, Bucket=bucket)
        resource.update("CORS", lambda: put(CORSConfiguration={"CORSRules": [*rules, _CORS_RULE]}))


def _exists(site: Site, bucket: str, key: str) -> bool:
    look = partial(site.client("s3").head_object, Bucket=bucket, Key=key)
    return or_none(look, *_ABSENT, "NoSuchKey") is not None
