"""All projects, versions and datasets of all regions, brought up to date whenever they are looked at."""

import threading
from collections.abc import Callable, Iterator

from local_aws.rekognition.exceptions import resource_not_found
from local_aws.rekognition.models import Project, Version
from local_aws.rekognition.project_dataset import ProjectDataset
from local_aws.settings import EndpointSettings


class Registry:
    """Holds the state; every method but ``lock`` and ``now`` is called with the lock held."""

    def __init__(self, settings: EndpointSettings, clock: Callable[[], float]) -> None:
        self.settings = settings
        self.lock = threading.RLock()
        self._clock = clock
        self._projects: dict[str, Project] = {}
        self._last_ms = 0

    def now(self) -> float:
        """Seconds since the epoch."""
        return self._clock()

    def next_ms(self) -> int:
        """Return a creation time in milliseconds, later than any before: ARNs are unique and in order."""
        self._last_ms = max(self._last_ms + 1, int(self.now() * 1000))
        return self._last_ms

    def add(self, project: Project) -> None:
        """Keep a new project."""
        self._projects[project.arn] = project

    def projects(self, region: str | None = None) -> list[Project]:
        """Return all projects, of one region or of all, oldest first."""
        self._refresh()
        return [project for project in self._projects.values() if region in (None, project.region)]

    def project(self, arn: str, region: str) -> Project:
        """Find a project or raise ResourceNotFoundException."""
        self._refresh()
        project = self._projects.get(arn)
        if project is None or project.region != region:
            raise resource_not_found(arn)
        return project

    def version(self, arn: str, region: str) -> Version:
        """Find a version or raise ResourceNotFoundException."""
        for version in self.versions(region):
            if version.arn == arn:
                return version
        raise resource_not_found(arn)

    def versions(self, region: str | None = None) -> Iterator[Version]:
        """Return all versions, of one region or of all."""
        for project in self.projects(region):
            yield from project.versions.values()

    def dataset(self, arn: str, region: str) -> ProjectDataset:
        """Find a dataset or raise ResourceNotFoundException."""
        for project in self.projects(region):
            if arn in project.datasets:
                return project.datasets[arn]
        raise resource_not_found(arn)

    def _refresh(self) -> None:
        now = self.now()
        for project in list(self._projects.values()):
            if project.is_gone(now):
                del self._projects[project.arn]
            for version in list(project.versions.values()):
                version.advance(now, self.settings)
                if version.is_gone(now):
                    del project.versions[version.arn]
            for dataset in list(project.datasets.values()):
                dataset.advance(now, self.settings.dataset_seconds)
                if dataset.is_gone(now, self.settings.dataset_seconds):
                    del project.datasets[dataset.arn]
