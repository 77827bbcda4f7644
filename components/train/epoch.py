"""An epoch: one pass over the training samples, and how it went."""

from dataclasses import dataclass

PHASES = HEAD, FINE_TUNING, WHOLE = "head", "fine-tuning", "whole network"


@dataclass(frozen=True, slots=True)
class Epoch:
    """One pass over the training samples; losses are mean cross-entropies in nats, in training with all its extras."""

    epoch: int
    loss: float
    accuracy: float
    validation_loss: float
    validation_accuracy: float
    phase: str = HEAD
