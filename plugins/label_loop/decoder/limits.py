"""What one image may cost, and how a decoder and its parent write to each other."""

import struct

# The slowest images of the largest size, a PNG of 15 MB or a progressive JPEG of four colours, take half of both.
CPU_SECONDS = 1.0
MEMORY_BYTES = 200 << 20  # beyond what a decoder takes when it is idle

LENGTH = struct.Struct(">I")  # before each image, and before each answer: UTF-8, empty if there is no problem
