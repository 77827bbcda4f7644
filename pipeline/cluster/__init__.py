"""A cluster's Kubeflow Pipelines and Kubernetes, as far as runs, schedules and logs go. Begin with `kfp_api`."""
