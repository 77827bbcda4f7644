"""Stores of objects, on disk or in a bucket, under one interface.

Begin with `stores`.
"""
