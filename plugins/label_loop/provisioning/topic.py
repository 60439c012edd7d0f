"""Subscriptions to a topic that the loop's stack did not create."""

import json

from label_loop.provisioning.site import Site, or_none

# What an operator is mailed; the template has the same. Alarms have no event.
OPERATOR_FILTER = {"event": [{"exists": False}, "failure", "model_status", {"prefix": "parameter_"}, "quality"]}


def ensure_subscription(site: Site, topic_arn: str, email: str) -> None:
    """Subscribe the operator; AWS then asks them by email to confirm."""
    sns = site.client("sns")
    with site.resource("subscription of", email) as resource:
        pages = sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic_arn)
        listed = or_none(lambda: list(pages), "NotFound", "NotFoundException") or []
        present = {one["Endpoint"] for page in listed for one in page["Subscriptions"]}
        if email not in present:
            attributes = {"FilterPolicyScope": "MessageBody", "FilterPolicy": json.dumps(OPERATOR_FILTER)}
            request = {"TopicArn": topic_arn, "Protocol": "email", "Endpoint": email, "Attributes": attributes}
            resource.create(lambda: sns.subscribe(**request))
            resource.note = "AWS sends an email to confirm the subscription"
