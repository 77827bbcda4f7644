"""A bundle found wherever it lies and its ONNX network run, for the server and `predict` alike. Begin with `model`."""
