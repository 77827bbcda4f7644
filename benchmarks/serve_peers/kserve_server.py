"""KServe's model server: its first protocol hands raw bodies on; work goes to threads, as one process does best."""

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor

import kserve
from classifier import Classifier

STREAMS = int(os.environ["STREAMS"])


class ImageModel(kserve.Model):
    def load(self) -> bool:
        self.classifier = Classifier(STREAMS)
        self.pool = ThreadPoolExecutor(int(os.environ["THREADS"]))
        self.ready = True
        return True

    async def predict(self, payload, headers=None, response_headers=None):
        work = asyncio.get_running_loop().run_in_executor(self.pool, self.classifier.predict, payload)
        return {"probabilities": await work}


if __name__ == "__main__":
    model = ImageModel("image")
    model.load()
    server = kserve.ModelServer(http_port=int(os.environ["PORT"]), enable_grpc=False, workers=1)
    server.start([model])
