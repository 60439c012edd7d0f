"""How every client of this package retries."""

from botocore.config import Config

# botocore's own standard mode: exponential backoff with jitter, for throttling, 5xx and lost connections.
# The pool is as wide as the widest fan-out of calls, or threads would throw connections away.
PATIENT = Config(retries={"mode": "standard", "total_max_attempts": 8}, max_pool_connections=32)

# For a person who waits for a page: rather an error soon than an answer late.
QUICK = Config(
    user_agent_appid="label-loop-console",  # tells its calls from the loop's, in AWS's own logs too
    connect_timeout=2,
    read_timeout=5,
    retries={"mode": "standard", "total_max_attempts": 2},
    max_pool_connections=32,
)
