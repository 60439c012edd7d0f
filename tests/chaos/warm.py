"""What a server of forks imports before its first fork, so that no process has to: Airflow, and AWS's models."""

import botocore.session
from tests.chaos import killable

_SERVICES = ("dynamodb", "rekognition", "s3", "sagemaker-a2i-runtime", "sns", "sqs", "ssm")


def _read_models() -> None:
    session = botocore.session.get_session()
    session.register_component("data_loader", killable.LOADER)
    for service in _SERVICES:
        session.create_client(
            service, region_name="eu-west-1", aws_access_key_id="local", aws_secret_access_key="local"
        )


_read_models()
