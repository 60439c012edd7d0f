"""One profile for the property tests: reproducible, and without a deadline that a busy machine would miss."""

import os
import tempfile

from hypothesis import HealthCheck, settings

# Airflow writes its configuration into its home when it is first imported: never into the user's own.
os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="label-loop-airflow-"))

settings.register_profile(
    "label_loop",
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("label_loop")
