"""Where work comes from: S3 notifications in a queue, a folder that is listed, and what no notification named."""
