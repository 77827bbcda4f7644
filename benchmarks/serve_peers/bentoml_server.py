"""BentoML: a service of one worker process with threads; the raw body is its one argument."""

import os
from typing import Annotated

import bentoml
from bentoml.validators import ContentType
from classifier import Classifier

STREAMS = int(os.environ["STREAMS"])


@bentoml.service(
    workers=int(os.environ["WORKERS"]),
    threads=int(os.environ["THREADS"]),
    logging={"access": {"enabled": False}},
    metrics={"enabled": False},
)
class ImageService:
    def __init__(self) -> None:
        self.classifier = Classifier(STREAMS)

    @bentoml.api(route="/predict")
    def predict(self, data: Annotated[bytes, ContentType("image/jpeg")], /) -> dict[str, list[float]]:
        return {"probabilities": self.classifier.predict(data)}
