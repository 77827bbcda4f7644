"""Backbones: pretrained networks without their top, small_cnn, a user's own, and the check of one.

Begin with `by_name`.
"""
