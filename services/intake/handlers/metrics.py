"""What intake counts and measures, beyond what every service does."""

from prometheus_client import Counter, Gauge, Histogram

ACCEPTED = Counter("qiao_intake_accepted_total", "Deliveries stored", ["client_key"])
DUPLICATES = Counter("qiao_intake_duplicates_total", "Deliveries already known", ["client_key"])
CONFLICTS = Counter(
    "qiao_intake_conflicts_total", "Message ids that came again with another body", ["client_key"]
)
REFUSED = Counter("qiao_intake_refused_total", "Deliveries refused, by reason", ["reason"])
LATE = Counter("qiao_intake_late_total", "Deliveries older than retries explain", ["client_key"])
QUEUE_DEPTH = Gauge("qiao_intake_queue_depth", "Deliveries that wait for a commit")
COMMIT_SECONDS = Histogram(
    "qiao_intake_commit_seconds",
    "Time of one group commit",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
BATCH_SIZE = Histogram(
    "qiao_intake_batch_size",
    "Deliveries in one group commit",
    buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500, 1000),
)
QUESTIONS = Counter(
    "qiao_intake_questions_total", "Questions of platforms answered", ["event", "outcome"]
)
QUESTION_SECONDS = Histogram(
    "qiao_intake_question_seconds",
    "Time to answer a question of a platform",
    ["event"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 1.5, 2.5, 4, 6, 8),
)
PENDING = Gauge("qiao_intake_pending", "Deliveries stored and not yet published")
PUBLISHED = Counter("qiao_intake_published_total", "Deliveries published")
BURIED = Counter("qiao_intake_buried_total", "Deliveries that could not be published")
SILENCE_SECONDS = Gauge(
    "qiao_intake_silence_seconds", "Time since the application last delivered", ["client_key"]
)
TOKENS_FETCHED = Counter("qiao_intake_tokens_fetched_total", "Access tokens fetched", ["outcome"])
