"""Read a pipeline as a KFP 2.5.0 backend does, strictly; run by tests/whole/test_old_backend.py beside its protos.

kfp-pipeline-spec 0.6.0 and kfp-kubernetes 1.5.0 are of that backend's time. The second one's package needs a kfp to be
imported, its generated module does not: it is loaded by its path.
"""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import kfp
import yaml
from google.protobuf.json_format import ParseDict
from kfp.pipeline_spec import pipeline_spec_pb2

# A task's Kubernetes settings are a free object to the API server, of which the driver passes over what it does not
# know. These may be there, as a run is as good without them as it was before they existed.
PASSED_OVER = ("securityContext",)
PASSED_OVER_IN_SECRETS = ("optional",)


def kubernetes_proto() -> ModuleType:
    folders = [Path(folder) / "kubernetes" for folder in kfp.__path__]
    (file,) = [found for folder in folders for found in folder.glob("kubernetes_executor_config_pb2.py")]
    spec = importlib.util.spec_from_file_location("kubernetes_executor_config_pb2", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def read(path: Path, strictly: bool) -> int:
    """Parse both documents of `path`; return how many executors the platform document configures.

    `strictly`: nothing is passed over.
    """
    pipeline, platform = yaml.safe_load_all(path.read_text(encoding="utf-8"))
    ParseDict(pipeline, pipeline_spec_pb2.PipelineSpec())
    # Any object fits the fields above and below it: the backend parses these in a second step.
    ParseDict(pipeline["deploymentSpec"], pipeline_spec_pb2.PipelineDeploymentConfig())
    ParseDict(platform, pipeline_spec_pb2.PlatformSpec())
    executors = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    for config in executors.values():
        ParseDict(config if strictly else known(config), kubernetes_proto().KubernetesExecutorConfig())
    return len(executors)


def known(config: dict[str, Any]) -> dict[str, Any]:
    """Return `config` without what may be passed over."""
    secrets = [without(secret, PASSED_OVER_IN_SECRETS) for secret in config["secretAsEnv"]]
    return without(config, PASSED_OVER) | {"secretAsEnv": secrets}


def without(settings: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if name not in names}


if __name__ == "__main__":
    print(read(Path(sys.argv[1]), strictly="--strictly" in sys.argv))
