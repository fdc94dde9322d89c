"""What a server tells Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from asrx.profiling.energy import joules
from asrx.watching.comparison import Finding

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
        if joules() is not None:
            self.energy = Gauge(
                "asrx_energy_joules",
                "What the whole machine's processors have drawn so far; its rate is watts.",
                registry=self.registry,
            )
            self.energy.set_function(joules)
        self.watch = {
            name: Gauge(f"asrx_watch_{name}", told, ("quantity",), registry=self.registry)
            for name, told in (
                ("median", "Of the last window of recordings."),
                ("reference", "The median of what the model was tested on."),
                ("p", "How likely chance makes them as unlike, adjusted for the number of quantities."),
            )
        }

    def watched(self, finding: Finding) -> None:
        """Show a quantity of the last window."""
        for name, value in (("median", finding.production), ("reference", finding.reference), ("p", finding.p)):
            self.watch[name].labels(finding.quantity.key).set(value)
