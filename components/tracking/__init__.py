"""Tracking a training run in MLflow, without ever failing or delaying the training.

What is tracked is appended to a queue on disk, which costs microseconds; a process of its own sends the queue to MLflow
(`sender`), so that a server that is slow, down, read-only or full only leaves events in the
queue. The next tracker of the same queue folder sends them, or a person: `python -m components.tracking QUEUE_FOLDER`.

Begin with `tracker`; `queue` is what is on disk, `delivery` what reaches MLflow. `tensorboard` writes its files.
"""
