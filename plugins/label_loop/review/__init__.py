"""Human review: one contract, several backends, all answering in A2I's output format."""
