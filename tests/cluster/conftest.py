"""One cluster for all tests of it: starting it, and what happens in it, takes all their time."""

from collections.abc import Iterator

import pytest
from tests.cluster import backing, story
from tests.cluster.cluster import Cluster


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Iterator[story.Course]:
    backing.require()
    settings = story.variables()
    with backing.own_database() as database, backing.own_redis() as queue:
        cluster = Cluster(story.services(settings), tmp_path_factory.mktemp("cluster"), database, queue)
        try:
            with story.scene_of(cluster, settings) as scene:
                cluster.start(lambda: story.prepare(scene))
                yield story.tell(scene)
        finally:
            cluster.stop()
