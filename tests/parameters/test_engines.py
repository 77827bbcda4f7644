"""The parameters that say who runs the work on images."""

import pytest

from components.parameters.engines import check_engine, host_and_port
from components.step.errors import UsageError


@pytest.mark.parametrize(
    ("address", "host", "port"),
    [
        ("ray://head:10001", "head", 10001),
        ("ray-head-svc.team-a.svc.cluster.local:6379", "ray-head-svc.team-a.svc.cluster.local", 6379),
        ("ray://[::1]:1", "::1", 1),
        ("10.0.0.1:65535", "10.0.0.1", 65535),
    ],
)
def test_addresses_of_clusters(address, host, port):
    check_engine("ray", address)
    assert host_and_port(address) == (host, port)


@pytest.mark.parametrize(
    "address",
    [
        *(
            "",
            "head",
            "ray://head",
            "http://head:8265",
            "head:0",
            "head:65536",
            "head:123456",
            "auto",
            "local",
            "::1:6379",
        ),
        *("ray://me:secret@head:10001", "ray://head:10001/", "head:6379 ", "ray://head:10001?a=b", "ray://head:٣"),
    ],
)
def test_other_addresses_are_refused(address):
    with pytest.raises(UsageError, match=r"ray_address must be ray://host:10001.*Received: ray_address="):
        check_engine("ray", address)


def test_an_engine_is_one_of_two():
    check_engine("local", "")
    with pytest.raises(UsageError, match=r"engine must be local or ray. Received: engine='rya'. Did you mean ray?"):
        check_engine("rya", "")


def test_an_address_that_nothing_would_use_is_refused():
    with pytest.raises(UsageError, match="ray_address must be empty where engine=local"):
        check_engine("local", "ray://head:10001")


@pytest.mark.parametrize(
    "address",
    ["ray://me:hunter2@head:10001", "me:hunter2@head:6379", "ray:/me:hunter2@head:1", "ray://head:1?token=hunter2"],
)
def test_a_password_in_an_address_is_not_said(address):
    with pytest.raises(UsageError) as caught:
        check_engine("ray", address)
    assert "hunter2" not in str(caught.value)
