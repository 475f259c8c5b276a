"""Prometheus metrics that every service has; its own are declared in its `handlers`."""

from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Counter("qiao_http_requests_total", "Requests answered", ["method", "route", "status"])
REQUEST_SECONDS = Histogram(
    "qiao_http_request_seconds",
    "Time to answer a request",
    ["route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
REFUSALS = Counter("qiao_refusals_total", "Requests refused, by reason", ["route", "reason"])
EVENTS_HANDLED = Counter("qiao_events_handled_total", "Events applied", ["type"])
EVENTS_FAILED = Counter("qiao_events_failed_total", "Attempts that failed", ["type"])
EVENTS_PUBLISHED = Counter("qiao_events_published_total", "Events acknowledged by NATS")
BATCH_SECONDS = Histogram("qiao_batch_seconds", "Time to apply one batch of events")
OUTBOX_DEPTH = Gauge("qiao_outbox_depth", "Events committed and not yet published")
CONSUMER_LAG = Gauge("qiao_consumer_lag", "Events in the stream that wait for this service")
CONSUMER_RESTARTS = Counter("qiao_consumer_restarts_total", "Subscriptions made anew")
DEAD_LETTERS = Gauge("qiao_dead_letters", "Events given up and not yet settled by a person")
BROKER_CONNECTED = Gauge("qiao_broker_connected", "1 while NATS is reachable")
