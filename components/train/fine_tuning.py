"""Fine-tuning: the last layers of a backbone learn too, after the head has."""

from components.network.keras_runtime import keras
from components.network.variables import leaf_layers

# A new head's gradients no longer shake the backbone, but its weights are near a good place: small steps keep them so.
RATE_FACTOR = 0.1


def unfreeze(extractor: "keras.Model", count: int) -> int:
    """Let the last `count` layers of the backbone in `extractor` learn, but no batch normalisation; return how many do.

    Layers are counted as Keras lists them, those of nested models in place of these. Batch normalisation stays in
    inference mode: moments of small batches would spoil those of the millions of images it was trained on.
    """
    layers = list(leaf_layers(_backbone(extractor)))
    extractor.trainable = True
    for layer in leaf_layers(extractor):
        layer.trainable = False
    for layer in layers[-count:]:
        layer.trainable = not isinstance(layer, keras.layers.BatchNormalization)
    return sum(bool(layer.trainable_weights) for layer in layers)


def _backbone(extractor: "keras.Model") -> "keras.Model":
    """Return the last model in `extractor`; before it are its input and what prepares pixels, behind it the pooling."""
    return [layer for layer in extractor.layers if isinstance(layer, keras.Model)][-1]
