"""The names at the ends of a bundle's ONNX network, known without Keras."""

INPUT = "image"
# What is served comes first: a runtime that takes one output takes that one.
OUTPUT, FEATURES = "probabilities", "features"
OUTPUTS = (OUTPUT, FEATURES)
