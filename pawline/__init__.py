"""The installed distribution: a thin package around the two folders of the repository.

`components` and `pipeline` are names that a user's own folders may have. Installed beside these they would collide, so
the wheel has them below this package, in `source/`, where only `pawline` and the steps it starts look.
"""
