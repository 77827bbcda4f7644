"""The model registry: versions of one registered model in MLflow, for the step that promotes and the server.

Begin with `versions`; `connection` says how long it is waited for and how it fails.
"""
