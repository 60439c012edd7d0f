"""Sample pictures for trying the loop: real handwritten digits, made when needed."""
