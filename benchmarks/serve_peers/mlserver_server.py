"""MLServer: a custom handler spares the JSON of tensors; it runs in the one process, so its work goes to threads."""

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor

from classifier import Classifier
from mlserver import MLModel, MLServer, ModelSettings, Settings
from mlserver.handlers import custom_handler
from starlette.requests import Request
from starlette.responses import JSONResponse

STREAMS = int(os.environ["STREAMS"])


class ImageModel(MLModel):
    async def load(self) -> bool:
        self.classifier = Classifier(STREAMS)
        self.pool = ThreadPoolExecutor(int(os.environ["THREADS"]))
        return True

    @custom_handler(rest_path="/predict")
    async def answer(self, request: Request) -> JSONResponse:
        work = asyncio.get_running_loop().run_in_executor(self.pool, self.classifier.predict, await request.body())
        return JSONResponse({"probabilities": await work})


async def serve() -> None:
    port = int(os.environ["PORT"])
    settings = Settings(
        host="127.0.0.1",
        http_port=port,
        grpc_port=port + 1,
        metrics_endpoint=None,
        parallel_workers=0,
        debug=False,
        gzip_enabled=False,
        load_models_at_startup=False,
    )
    await MLServer(settings).start([ModelSettings(name="image", implementation=ImageModel)])


if __name__ == "__main__":
    asyncio.run(serve())
