"""The SNS topic of the loop's messages."""

from label_loop.provisioning.site import Site, found


def ensure_topic(site: Site, arn: str | None) -> str:
    """Make the topic, or adopt the one named; return its ARN."""
    sns = site.client("sns")
    arn = arn or site.names.arn("sns", site.names.base)
    with site.resource("topic", arn.rsplit(":", 1)[-1]) as work:
        if found(lambda: sns.get_topic_attributes(TopicArn=arn), "NotFound", "NotFoundException") is None:
            name = arn.rsplit(":", 1)[-1]
            made = work.create(lambda: sns.create_topic(Name=name, Tags=site.tag_list))
            arn = made["TopicArn"] if made else arn
    return arn


def ensure_subscription(site: Site, topic_arn: str, email: str) -> None:
    """Subscribe the operator; AWS then asks them by mail to confirm."""
    sns = site.client("sns")
    with site.resource("subscription of", email) as work:
        pages = sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic_arn)
        listed = found(lambda: list(pages), "NotFound", "NotFoundException") or []
        present = {one["Endpoint"] for page in listed for one in page["Subscriptions"]}
        if email not in present:
            work.create(lambda: sns.subscribe(TopicArn=topic_arn, Protocol="email", Endpoint=email))
            work.note = "AWS sends a mail that has to be confirmed"
