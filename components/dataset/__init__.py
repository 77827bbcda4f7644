"""The dataset: samples with their image bytes, addressed by content, and the one way from bytes to pixels.

Begin with `snapshot`; `images` decodes, `batches` reads ahead.
"""
