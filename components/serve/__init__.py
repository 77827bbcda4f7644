"""The accepted model over HTTP: `python -m components.serve BUNDLE`.

Begin with `command`, then `app`, which has the routes, and `work.service`, which answers.
"""
