"""Amazon Rekognition Custom Labels for the local endpoint: it trains and serves a small classifier."""

from local_aws.rekognition.service import Rekognition
from local_aws.rekognition.storage import Boto3S3, S3Access, S3ObjectMissingError

__all__ = ["Boto3S3", "Rekognition", "S3Access", "S3ObjectMissingError"]
