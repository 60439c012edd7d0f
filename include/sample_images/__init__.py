"""Pictures for trying out the loop: real handwritten digits, or the user's own images."""
