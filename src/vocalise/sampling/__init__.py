"""Faster hands for the same decoders."""
