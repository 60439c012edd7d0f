"""The pages, one module each, with the endpoints that they use."""
