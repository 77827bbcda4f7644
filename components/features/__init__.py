"""What a frozen backbone makes of images, computed once and kept: the cache, decoded pixels, nearest neighbours.

Begin with `extraction`.
"""
