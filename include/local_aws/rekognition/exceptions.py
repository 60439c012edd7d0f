"""Rekognition's error codes, each with the sentence people read."""

from local_aws.errors import AwsError


def resource_not_found(arn: str) -> AwsError:
    """Return: no such project, version or dataset in this region."""
    return AwsError("ResourceNotFoundException", f"The requested resource does not exist: {arn}")


def resource_in_use(message: str) -> AwsError:
    """Return: the name is taken, or the resource is in a state that forbids the call."""
    return AwsError("ResourceInUseException", message)


def resource_already_exists(message: str) -> AwsError:
    """Return: the project has a dataset of that type."""
    return AwsError("ResourceAlreadyExistsException", message)


def resource_not_ready(arn: str, status: str, wanted: str = "RUNNING") -> AwsError:
    """Return: detection on a version that is not running, or a dataset that is not complete."""
    return AwsError("ResourceNotReadyException", f"{arn} is not ready: its status is {status}, not {wanted}.")


def limit_exceeded(message: str) -> AwsError:
    """Return: a quota of the account in this region is used up."""
    return AwsError("LimitExceededException", message)


def invalid_parameter(message: str) -> AwsError:
    """Return: the request fits the model but not the service's rules."""
    return AwsError("InvalidParameterException", message)


def invalid_pagination_token() -> AwsError:
    """Return: a NextToken that this service did not give out."""
    return AwsError("InvalidPaginationTokenException", "The pagination token is not valid.")


def invalid_s3_object(bucket: str, key: str) -> AwsError:
    """Return: the bucket, key or version of an image or a manifest cannot be read."""
    return AwsError(
        "InvalidS3ObjectException",
        f"Unable to get object metadata from S3. Check object key, region and/or access permissions: "
        f"s3://{bucket}/{key}",
    )


def throughput_exceeded(units: int) -> AwsError:
    """Return: more images a second than the version's inference units serve."""
    return AwsError(
        "ProvisionedThroughputExceededException",
        f"Provisioned rate exceeded: the model runs with {units} inference unit(s).",
    )


def unknown_operation(operation: str) -> AwsError:
    """Return: an operation that the local endpoint does not offer."""
    return AwsError("UnknownOperationException", f"The local endpoint does not offer Rekognition's {operation}.")
