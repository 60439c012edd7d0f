"""The refusal that accounts meet which never used Amazon A2I."""

from local_aws.errors import AwsError
from local_aws.settings import EndpointSettings


def refuse_if_never_used(settings: EndpointSettings) -> None:
    """Raise what such an account is answered, if the endpoint plays one (``refuse_human_loops``)."""
    if settings.refuse_human_loops:
        text = "Amazon Augmented AI is not available to new customers, and this account has never used it."
        raise AwsError("AccessDeniedException", text, 403)
