"""LitServe: workers are processes; their number and threads are what there is to tune."""

import os
from typing import Annotated

import litserve
from classifier import Classifier
from fastapi import Body

STREAMS = int(os.environ["STREAMS"])


class ImageAPI(litserve.LitAPI):
    def setup(self, device):
        self.classifier = Classifier(STREAMS)

    def decode_request(self, request: Annotated[bytes, Body(media_type="image/jpeg")]):
        return request

    def predict(self, data):
        return self.classifier.predict(data)

    def encode_response(self, probabilities):
        return {"probabilities": probabilities}


if __name__ == "__main__":
    fast = os.environ["FAST_QUEUE"] == "1"
    server = litserve.LitServer(
        ImageAPI(), accelerator="cpu", workers_per_device=int(os.environ["WORKERS"]), fast_queue=fast, timeout=False
    )
    server.run(port=int(os.environ["PORT"]), num_api_servers=1, log_level="warning", generate_client_file=False)
