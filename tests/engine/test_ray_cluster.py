"""Units of work on a real Ray cluster of several nodes on this machine; nodes that are lost, units that fail."""

import pytest

from components.engine import ray_cluster as of_clusters
from components.engine.connection import connected
from components.engine.ray_cluster import RayCluster
from components.step.errors import DataError, ServiceError, UsageError
from tests.support import units
from tests.support.ray_nodes import ray_nodes, s3_variables
from tests.support.serving import free_port

pytest.importorskip("ray")
# Ray gives a node half a minute to start, and ends there: too little on a machine that is busy with a whole suite.
pytestmark = pytest.mark.slow


def named(number: int) -> str:
    return f"number {number}"


def results(cluster: RayCluster, work, count: int, places=()) -> tuple[dict, Exception | None]:
    found = {}
    try:
        for unit, result in cluster.each(work, list(range(count)), named, places):
            found[unit] = result
    except (DataError, ServiceError, UsageError, RuntimeError) as error:
        return found, error
    return found, None


def test_each_unit_comes_with_its_result(ray_cluster):
    assert results(ray_cluster, units.doubled, 8) == ({number: 2 * number for number in range(8)}, None)


def test_no_units_are_no_work(ray_cluster):
    assert results(ray_cluster, units.doubled, 0) == ({}, None)


def test_a_unit_that_fails_is_named_and_the_others_are_done(ray_cluster):
    found, error = results(ray_cluster, units.bad_three, 5)
    assert sorted(found) == [0, 1, 2, 4]
    assert isinstance(error, DataError)
    assert str(error) == (
        "A number must not be 3. Received: 3. Take another. "
        "1 unit of 5 failed: number 3 (1 in all). What the others did is kept."
    )


def test_what_nobody_expected_keeps_its_traceback(ray_cluster):
    found, error = results(ray_cluster, units.unexpected_three, 5)
    assert sorted(found) == [0, 1, 2, 4]
    assert type(error) is RuntimeError
    assert "in unexpected_three" in str(error)
    assert "nobody thought of this" in str(error)


def test_workers_of_another_version_of_the_code_are_refused(ray_cluster, monkeypatch):
    mine = of_clusters.program_here()
    monkeypatch.setattr(of_clusters, "program_here", lambda: mine | {"code": "0" * 12, "pillow": "1.0"})
    with pytest.raises(UsageError, match=f"code {mine['code']} instead of 000000000000, pillow .* instead of 1.0"):
        ray_cluster.check_nodes()
    found, error = results(ray_cluster, units.doubled, 3)  # Those that came to the cluster later.
    assert (found, type(error)) == ({}, UsageError)


def test_a_store_that_workers_do_not_see_is_named(ray_cluster, tmp_path):
    (tmp_path / "seen").touch()
    ray_cluster.check_nodes(((str(tmp_path), "seen"),))
    with pytest.raises(ServiceError, match=f"no absent in {tmp_path} as seen from"):
        ray_cluster.check_nodes(((str(tmp_path), "seen"), (str(tmp_path), "absent")))
    with pytest.raises(ServiceError, match="s3://no-such-bucket"):
        ray_cluster.check_nodes((("s3://no-such-bucket/images", "a.png"),))
    found, error = results(ray_cluster, units.doubled, 3, ((str(tmp_path), "absent too"),))
    assert (found, type(error)) == ({}, ServiceError)


def test_a_node_that_is_lost_costs_no_unit(ray_running, ray_cluster):
    lost = ray_running.add()
    found = {}
    for unit, result in ray_cluster.each(units.slow, list(range(16)), named):
        found[unit] = result
        if len(found) == 2:
            ray_running.kill(lost)
    assert found == {number: number for number in range(16)}


def test_a_unit_that_kills_its_worker_is_named_and_the_others_are_done(ray_cluster):
    found, error = results(ray_cluster, units.deadly_three, 5)
    assert sorted(found) == [0, 1, 2, 4]
    assert isinstance(error, ServiceError)
    assert "its worker died 4 times" in str(error)
    assert "1 unit of 5 failed: number 3" in str(error)


def test_an_object_store_without_room_is_named(s3_port):
    full = {"local_fs_capacity_threshold": 0.0001}  # Share of the disk above which nothing is spilled to it any more.
    with ray_nodes(s3_variables(s3_port), full) as nodes, connected(nodes.address) as cluster:
        _, error = results(cluster, units.large, 6)
    assert isinstance(error, ServiceError)
    assert "The object store of a Ray cluster and the disk that it spills to must have room" in str(error)


def test_a_pod_beside_the_cluster_comes_in_by_ray_client(s3_port):
    with ray_nodes(s3_variables(s3_port), client_port=free_port()) as nodes, connected(nodes.client) as cluster:
        assert results(cluster, units.doubled, 8) == ({number: 2 * number for number in range(8)}, None)
        assert isinstance(results(cluster, units.bad_three, 5)[1], DataError)
