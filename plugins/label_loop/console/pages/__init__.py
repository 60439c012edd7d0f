"""The pages: one file each, with the endpoints that it uses."""
