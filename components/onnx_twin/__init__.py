"""The ONNX form of a network, written layer by layer, for serving without TensorFlow.

Begin with `export`, then `graph`; a layer's form is in `layers`, `activations` or `convolutions`.
"""
