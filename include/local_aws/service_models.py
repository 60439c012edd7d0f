"""botocore's service models: the authority for operations, shapes, errors and wire protocols."""

from functools import cache

from botocore.exceptions import UnknownServiceError
from botocore.model import OperationModel, ServiceModel
from botocore.session import Session

_SESSION = Session()

# The first part of X-Amz-Target, for the services that this endpoint may answer for.
TARGET_PREFIXES = {
    "RekognitionService": "rekognition",
    "SageMaker": "sagemaker",
    "AmazonSSM": "ssm",
    "AmazonSQS": "sqs",
    "DynamoDB_20120810": "dynamodb",
    "DynamoDBStreams_20120810": "dynamodbstreams",
    "AWSEvents": "events",
}


@cache
def service_model(service: str) -> ServiceModel | None:
    """Load the model of a service by botocore's name, or None where botocore knows none."""
    try:
        return _SESSION.get_service_model(service)
    except UnknownServiceError:
        return None


def operation_model(service: str, operation: str) -> OperationModel | None:
    """Find an operation in a service's model."""
    model = service_model(service)
    if model is None or operation not in model.operation_names:
        return None
    return model.operation_model(operation)


def error_status(service: str, code: str) -> int | None:
    """Find the HTTP status that a service's model gives an error code."""
    model = service_model(service)
    for shape in model.error_shapes if model else []:
        if code in (shape.error_code, shape.name):
            status = shape.metadata.get("error", {}).get("httpStatusCode")
            return int(status) if status else None
    return None
