"""What this service counts."""

from prometheus_client import Counter, Gauge, Histogram

DECIDED = Counter(
    "qiao_catalog_decisions_total", "Orders decided; `held` or the refusal", ["outcome"]
)
REPEATED = Counter("qiao_catalog_repeated_total", "Orders asked about again")
RACED = Counter("qiao_catalog_raced_total", "Batches undone because another worker was faster")
BATCH_SIZE = Histogram(
    "qiao_catalog_batch_size", "Orders decided by one commit", buckets=(1, 4, 16, 64, 128, 256, 500)
)
COMMIT_SECONDS = Histogram("qiao_catalog_commit_seconds", "Deciding one batch, commit included")
QUEUE_DEPTH = Gauge("qiao_catalog_queue_depth", "Orders that wait for the next commit")
SETTLED = Counter("qiao_catalog_settled_total", "Reservations that moved on", ["state"])
OVERSOLD_OPEN = Gauge("qiao_catalog_oversold", "Orders paid whose stock is gone")
