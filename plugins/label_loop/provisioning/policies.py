"""Resource policies: merges the statements that a loop needs into an existing policy."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from label_loop.provisioning.names import Names

type Statement = Mapping[str, Any]


def merged(policy: str | None, statements: Iterable[Statement]) -> str | None:
    """Return the policy with these statements, replacing those with the same Sid; None if nothing changes."""
    document: dict[str, Any] = json.loads(policy) if policy else {"Version": "2012-10-17", "Statement": []}
    present = document["Statement"]
    present = [present] if isinstance(present, dict) else list(present)
    ours = {statement["Sid"]: dict(statement) for statement in statements}
    kept = [statement for statement in present if statement.get("Sid") not in ours]
    held = {statement["Sid"]: statement for statement in present if statement.get("Sid") in ours}
    if held == ours:
        return None
    return json.dumps({**document, "Statement": [*kept, *ours.values()]})


def rekognition_statements(names: Names, bucket: str) -> list[Statement]:
    """Return the statements that let Rekognition Custom Labels read training data and write its results.

    They come from its developer guide ("SDK permissions"), which sets no condition on the source.
    """
    arn = names.bucket_arn(bucket)
    base = {"Effect": "Allow", "Principal": {"Service": "rekognition.amazonaws.com"}}
    reads = ["s3:GetObject", "s3:GetObjectAcl", "s3:GetObjectVersion", "s3:GetObjectTagging"]
    owned = {"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control"}}
    return [
        {
            "Sid": "LabelLoopRekognitionBucket",
            **base,
            "Action": ["s3:GetBucketAcl", "s3:GetBucketLocation"],
            "Resource": arn,
        },
        {"Sid": "LabelLoopRekognitionRead", **base, "Action": reads, "Resource": f"{arn}/*"},
        {
            "Sid": "LabelLoopRekognitionWrite",
            **base,
            "Action": "s3:PutObject",
            "Resource": f"{arn}/*",
            "Condition": owned,
        },
    ]


def tls_statement(names: Names, bucket: str) -> Statement:
    """Return the statement that denies access to a bucket without TLS."""
    arn = names.bucket_arn(bucket)
    return {
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, f"{arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
