"""Speaks to a server with kserve's own client, in an environment of its own; prints the answers as JSON.

Arguments: the server's address, a side in pixels, an image file.
"""

import asyncio
import json
import sys
from pathlib import Path

import numpy as np
from kserve import InferInput, InferRequest, RESTConfig
from kserve.inference_client import InferenceRESTClient


async def answers(url: str, side: int, image: bytes) -> dict[str, object]:
    client = InferenceRESTClient(RESTConfig(protocol="v2", retries=0, timeout=30))
    found: dict[str, object] = {
        "live": await client.is_server_live(url),
        "ready": await client.is_server_ready(url),
        "model ready": await client.is_model_ready(url, "classifier"),
    }
    pixels = np.full((2, side, side, 3), (250, 5, 5), np.uint8)
    for name, values, datatype, binary in (
        ("pixels", pixels, "UINT8", True),
        ("pixels as JSON", pixels, "UINT8", False),
        ("file", np.array([image], dtype=object), "BYTES", True),
    ):
        tensor = InferInput("encoded_image" if name == "file" else "image", list(values.shape), datatype)
        tensor.set_data_from_numpy(values, binary_data=binary)
        request = InferRequest(model_name="classifier", infer_inputs=[tensor], request_id=name)
        answer = await client.infer(url, request, model_name="classifier")
        found[name] = [str(value) for value in answer.outputs[1].as_numpy()]
        assert answer.id == name
        assert answer.outputs[0].as_numpy().shape == (len(values), 3)
    return found


if __name__ == "__main__":
    print(json.dumps(asyncio.run(answers(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]).read_bytes()))))
