"""How many models a region must be able to run for its loops."""

from botocore.exceptions import BotoCoreError, ClientError

from label_loop.provisioning.report import ResourceLine, ResourceOutcome, aws_words
from label_loop.provisioning.site import Site
from label_loop.system_record import SYSTEM_RECORD

_KIND = "running models in"
_DEFAULT_QUOTA = 2  # of running Custom Labels models, by account and region


def report_capacity(site: Site) -> None:
    """Report if the region's loops need more running models than Rekognition allows by default.

    Each loop runs one, and one more runs while a version replaces another. Without room for it, a new version waits.
    """
    region = site.account.region
    try:
        loops = _count_loops(site)
    except (ClientError, BotoCoreError) as error:
        # Who may not list parameters can still set up a loop.
        detail = f"not checked: {aws_words(error)}"
        site.report(ResourceLine(_KIND, region, ResourceOutcome.SKIPPED, detail))
        return
    if loops + 1 > _DEFAULT_QUOTA:
        detail = (
            f"{loops} loops need {loops + 1}: one each, and one more while a version replaces another. By default a "
            f"region runs {_DEFAULT_QUOTA}. Request more from Service Quotas, for Amazon Rekognition; without "
            "them a new version is not deployed while all the others run"
        )
        site.report(ResourceLine(_KIND, region, ResourceOutcome.FOUND, detail))


def _count_loops(site: Site) -> int:
    """Return how many loops the region has, with this one: each has a system record."""
    pages = site.client("ssm").get_paginator("describe_parameters")
    wanted = {"Key": "Name", "Option": "Contains", "Values": [SYSTEM_RECORD]}
    names = {one["Name"] for page in pages.paginate(ParameterFilters=[wanted]) for one in page["Parameters"]}
    return len({name for name in names if name.endswith(f"/{SYSTEM_RECORD}")} | {site.loop.parameter(SYSTEM_RECORD)})
