"""A local AWS endpoint: moto for the common services, Rekognition Custom Labels and A2I beside it."""
