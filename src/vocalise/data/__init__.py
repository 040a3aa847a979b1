"""Recordings: the corpus on disk, its split, its prepared audio and the excerpts that training draws.

The modules are imported by name (`vocalise.data.corpus`, `prepare`, `batches`, …), so that looking at a folder never
loads what only training needs.
"""
