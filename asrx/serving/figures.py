"""What a server tells Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

SECONDS = (0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2, 5, 10, 30)
SHARES = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)


class Figures:
    """The figures of one server, in a registry of their own."""

    def __init__(self):
        self.registry = CollectorRegistry()
        self.requests = Counter("asrx_requests", "Requests.", ("route", "status"), registry=self.registry)
        self.latency = Histogram(
            "asrx_latency_seconds", "From request to answer.", buckets=SECONDS, registry=self.registry
        )
        self.factor = Histogram(
            "asrx_real_time_factor",
            "Seconds from request to answer in a second of sound.",
            buckets=SECONDS,
            registry=self.registry,
        )
        self.sound = Counter("asrx_sound_seconds", "Seconds of sound recognised.", registry=self.registry)
        self.confidence = Histogram("asrx_confidence", "Of whole recordings.", buckets=SHARES, registry=self.registry)
        self.queue = Gauge("asrx_queue", "Recordings that wait.", registry=self.registry)
        self.streams = Gauge("asrx_streams", "Streams that are open.", registry=self.registry)
