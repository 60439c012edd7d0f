"""The operations on project versions."""

import threading
from collections.abc import Mapping
from typing import Any

from local_aws.errors import AwsError
from local_aws.rekognition import models, requests
from local_aws.rekognition.exceptions import invalid_parameter, limit_exceeded, resource_in_use
from local_aws.rekognition.models import Project, Version
from local_aws.rekognition.registry import Registry
from local_aws.rekognition.responses import describe_version, page
from local_aws.rekognition.storage import S3Access
from local_aws.rekognition.throttle import TokenBucket
from local_aws.rekognition.training import Trainer, TrainingOrder
from local_aws.rekognition.training_data import training_data
from local_aws.rekognition.workfolder import Job
from local_aws.services import RequestContext


class Versions:
    """Trains, describes, starts, stops and deletes model versions."""

    def __init__(self, registry: Registry, s3: S3Access) -> None:
        self._registry = registry
        self._s3 = s3
        self._closed = False

    def create(self, request: Mapping[str, Any], context: RequestContext) -> dict[str, Any]:
        """CreateProjectVersion: begins a training."""
        requests.check_feature(request)
        bucket, prefix = requests.output(request)
        name = request["VersionName"]
        with self._registry.lock:
            project = self._registry.project(request["ProjectArn"], context.region)
            self._check_creation(project, name)
            data = training_data(request, project)
            created_ms = self._registry.next_ms()
            version = Version(
                arn=f"{project.arn.rpartition('/')[0]}/version/{name}/{created_ms}",
                project_arn=project.arn,
                name=name,
                created_ms=created_ms,
                training=data.training,
                testing=data.testing,
                output_bucket=bucket,
                output_prefix=prefix,
                extras={key: request[key] for key in requests.EXTRAS if key in request},
                since=self._registry.now(),
            )
            job = Job(project.name, name, version.arn)
            order = TrainingOrder(job, data.training, data.testing, bucket, prefix, data.snapshots)
            version.trainer = Trainer(order, self._s3)
            project.versions[version.arn] = version
        threading.Thread(target=self._train, args=(version, version.trainer), name=f"train-{name}", daemon=True).start()
        return {"ProjectVersionArn": version.arn}

    def _check_creation(self, project: Project, name: str) -> None:
        if project.deleting_since is not None:
            raise resource_in_use(f"The project {project.name} is being deleted.")
        if self._closed:
            raise AwsError("InternalServerError", "The local endpoint is closing.", 500)
        if any(version.name == name for version in project.versions.values()):
            raise resource_in_use(f"The project {project.name} already has a version named {name}.")
        trainings = [v for v in self._registry.versions(project.region) if v.status == models.TRAINING_IN_PROGRESS]
        limit = self._registry.settings.max_concurrent_trainings
        if len(trainings) >= limit:
            raise limit_exceeded(f"The limit of {limit} concurrent trainings is reached.")

    def _train(self, version: Version, trainer: Trainer) -> None:
        outcome = trainer.run()
        with self._registry.lock:
            version.outcome, version.outcome_at = outcome, self._registry.now()

    def describe(self, request: Mapping[str, Any], context: RequestContext) -> dict[str, Any]:
        """DescribeProjectVersions, newest first; names that no version has are left out."""
        names = request.get("VersionNames")
        with self._registry.lock:
            project = self._registry.project(request["ProjectArn"], context.region)
            newest_first = reversed(project.versions.values())
            versions = [version for version in newest_first if names is None or version.name in names]
            chosen, token = page(versions, lambda v: v.created_ms, request.get("MaxResults"), request.get("NextToken"))
            answer: dict[str, Any] = {"ProjectVersionDescriptions": [describe_version(v) for v in chosen]}
        return answer | ({"NextToken": token} if token else {})

    def start(self, request: Mapping[str, Any], context: RequestContext) -> dict[str, Any]:
        """StartProjectVersion."""
        least, most = requests.inference_units(request)
        with self._registry.lock:
            version = self._registry.version(request["ProjectVersionArn"], context.region)
            if version.status == models.TRAINING_FAILED:
                raise invalid_parameter(f"{version.arn} cannot be started: its training failed.")
            if version.status not in models.STARTABLE:
                raise resource_in_use(f"{version.arn} cannot be started while it is {version.status}.")
            limit = self._registry.settings.max_running_models
            if sum(v.status in models.OCCUPYING for v in self._registry.versions(context.region)) >= limit:
                raise limit_exceeded(f"The limit of {limit} running models is reached.")
            rate = least * self._registry.settings.images_per_second_per_unit
            version.min_units, version.max_units = least, most
            version.bucket = TokenBucket(rate, self._registry.now)
            version.enter(models.STARTING, self._registry.now(), "The model is starting.")
        return {"Status": models.STARTING}

    def stop(self, request: Mapping[str, Any], context: RequestContext) -> dict[str, Any]:
        """StopProjectVersion."""
        with self._registry.lock:
            version = self._registry.version(request["ProjectVersionArn"], context.region)
            if version.status in models.IN_TRANSIT:
                raise resource_in_use(f"{version.arn} cannot be stopped while it is {version.status}.")
            if version.status != models.RUNNING:
                raise invalid_parameter(f"{version.arn} is not running: its status is {version.status}.")
            version.enter(models.STOPPING, self._registry.now(), "The model is stopping.")
        return {"Status": models.STOPPING}

    def delete(self, request: Mapping[str, Any], context: RequestContext) -> dict[str, Any]:
        """DeleteProjectVersion."""
        with self._registry.lock:
            version = self._registry.version(request["ProjectVersionArn"], context.region)
            if version.status not in models.DELETABLE:
                raise resource_in_use(f"{version.arn} cannot be deleted while it is {version.status}.")
            version.enter(models.DELETING, self._registry.now(), "The model is being deleted.")
        return {"Status": models.DELETING}

    def close(self) -> None:
        """End every training process."""
        with self._registry.lock:
            self._closed = True
            trainers = [version.trainer for version in self._registry.versions() if version.trainer]
        for trainer in trainers:
            trainer.cancel()
