"""Keras networks: Keras itself, devices, the classifier made of backbone and head, its variables and its digest.

Begin with `classifier`. Whoever imports this package imports Keras.
"""
