"""What Prometheus is told: requests, times, the queue, classes predicted, refusals by reason."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from time import perf_counter

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from components.serve.work.pool import Pool

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
SECONDS = (0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """One server's figures, apart from any other server's in this process."""

    def __init__(self, pool: Pool) -> None:
        """Count from zero; the queue's length is read from `pool` when asked for."""
        self._registry = registry = CollectorRegistry()
        requests = Counter("pawline_requests", "Requests answered", ["route", "status"], registry=registry)
        seconds = Histogram(
            "pawline_request_seconds",
            "Time from a request's head to its answer",
            ["route"],
            buckets=SECONDS,
            registry=registry,
        )
        self._predict_seconds = Histogram(
            "pawline_predict_seconds", "Time of the network for an image", buckets=SECONDS, registry=registry
        )
        classes = Counter("pawline_predictions", "Images predicted", ["class"], registry=registry)
        rejected = Counter("pawline_rejected", "Images and requests refused", ["reason"], registry=registry)
        # Labels are few, and looking them up costs Prometheus' client several times what counting does.
        self._requests_of, self._seconds_of = lru_cache(requests.labels), lru_cache(seconds.labels)
        self._classes_of, self._rejected_of = lru_cache(classes.labels), lru_cache(rejected.labels)
        self._refused_models = Counter("pawline_model_refused", "Changed models not taken", registry=registry)
        self._model = Gauge("pawline_model_info", "Model", ["name", "version", "digest"], registry=registry)
        queue = Gauge("pawline_queue_images", "Images waiting or being predicted", registry=registry)
        queue.set_function(lambda: pool.images)
        arriving = Gauge("pawline_arriving_bodies", "Request bodies that are arriving", registry=registry)
        arriving.set_function(lambda: pool.arriving)
        buffered = Gauge("pawline_buffered_bytes", "Bytes of request bodies in memory", registry=registry)
        buffered.set_function(lambda: pool.bytes)

    def answered(self, route: str, status: int, seconds: float) -> None:
        """Count a request to `route`, a path with its parameters' names."""
        self._requests_of(route, str(status)).inc()
        self._seconds_of(route).observe(seconds)

    @contextmanager
    def prediction(self) -> Iterator[None]:
        """Take the time of one image."""
        began = perf_counter()
        yield
        self._predict_seconds.observe(perf_counter() - began)

    def predicted(self, class_name: str) -> None:
        """Count an image."""
        self._classes_of(class_name).inc()

    def rejected(self, reason: str) -> None:
        """Count a refusal; `reason` is its code."""
        self._rejected_of(reason).inc()

    def model_changed(self, identity: dict[str, str]) -> None:
        """Name the model in service."""
        self._model.clear()
        self._model.labels(**identity).set(1)

    def model_refused(self) -> None:
        """Count a changed model that was not taken."""
        self._refused_models.inc()

    def text(self) -> bytes:
        """Return everything as Prometheus reads it."""
        return generate_latest(self._registry)
