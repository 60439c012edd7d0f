"""What the loop promises in calls, pace and memory, measured over the local endpoint."""
