"""The steps of the story, in the order of their telling."""
