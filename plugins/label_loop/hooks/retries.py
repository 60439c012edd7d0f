"""The retry settings of all AWS clients."""

from botocore.config import Config

# botocore's own standard mode: exponential backoff with jitter, for throttling, 5xx and lost connections.
# The pool is as large as the widest fan-out of threads, so that no connections are discarded.
PATIENT = Config(retries={"mode": "standard", "total_max_attempts": 8}, max_pool_connections=32)

# For pages: a person prefers an early error to a late answer.
QUICK = Config(
    user_agent_appid="label-loop-console",  # distinguishes its calls from the loop's, also in AWS's logs
    connect_timeout=2,
    read_timeout=5,
    retries={"mode": "standard", "total_max_attempts": 2},
    max_pool_connections=32,
)
