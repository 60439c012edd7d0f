"""Decodes images apart from the processes that serve pages and run tasks, within bounds that the kernel enforces."""

from label_loop.decoder.pool import DECODERS, DecoderUnavailableError, inspect_image, thumbnail

__all__ = ["DECODERS", "DecoderUnavailableError", "inspect_image", "thumbnail"]
