"""FastAPI by hand: raw bodies, a pool of threads; uvicorn is given uvloop, httptools and no access log."""

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor

from classifier import Classifier
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

STREAMS = int(os.environ["STREAMS"])
app = FastAPI()
classifier = Classifier(STREAMS)
pool = ThreadPoolExecutor(int(os.environ["THREADS"]))


@app.get("/health")
async def health() -> dict[str, str]:
    return {}


@app.post("/predict")
async def predict(request: Request) -> JSONResponse:
    work = asyncio.get_running_loop().run_in_executor(pool, classifier.predict, await request.body())
    return JSONResponse({"probabilities": await work})
