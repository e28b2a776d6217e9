"""What TorchServe wants before it starts: an archive of model and handler, and its settings, in files."""

import json
import os
import subprocess
from pathlib import Path

from benchmarks import load
from models_store.machine import cores

_SETTINGS = """\
inference_address=http://127.0.0.1:{port}
management_address=http://127.0.0.1:{management}
metrics_address=http://127.0.0.1:{metrics}
grpc_inference_address=127.0.0.1
grpc_management_address=127.0.0.1
disable_token_auth=true
enable_envvars_config=false
disable_system_metrics=true
metrics_mode=log
job_queue_size=1000
model_store={store}
load_models=digits.mar
models={models}
"""
_LOG4J = """\
<Configuration status="WARN"><Appenders><Console name="c"><PatternLayout pattern="%m%n"/></Console></Appenders>
<Loggers><Root level="warn"><AppenderRef ref="c"/></Root></Loggers></Configuration>
"""


def configured(place: Path, model: Path, programs: Path) -> tuple[list[str], dict[str, str], str]:
    """Writes them into `place`: batches of up to 16 that wait at most 2 ms, its best setting here. Gives the command,
    which runs there, its environment, and the address that it will have.
    """
    environment = {
        "MODEL": str(model),
        "PATH": f"{programs}:{os.environ['PATH']}",
        "PYTHONPATH": str(load.ROOT),
        "LOG_LOCATION": str(place / "logs"),
        "METRICS_LOCATION": str(place / "logs"),
    }
    store, port = place / "store", load.free_port()
    store.mkdir(parents=True)
    archive = [
        str(programs / "torch-model-archiver"), "--model-name", "digits", "--version", "1.0", "--serialized-file",
        str(model), "--handler", str(load.ROOT / "benchmarks/peers/torchserve_handler.py"), "--export-path", str(store),
    ]  # fmt: skip
    subprocess.run(archive, check=True, env={**os.environ, **environment}, capture_output=True)
    batching = {
        "defaultVersion": True, "marName": "digits.mar", "minWorkers": cores(), "maxWorkers": cores(), "batchSize": 16,
        "maxBatchDelay": 2, "responseTimeout": 60,
    }  # fmt: skip
    settings = _SETTINGS.format(
        port=port,
        management=load.free_port(),
        metrics=load.free_port(),
        store=store,
        models=json.dumps({"digits": {"1.0": batching}}),
    )
    (place / "config.properties").write_text(settings)
    (place / "log4j2.xml").write_text(_LOG4J)
    command = [
        str(programs / "torchserve"), "--foreground", "--ncs", "--disable-token-auth", "--ts-config",
        "config.properties", "--log-config", "log4j2.xml", "--model-store", "store",
    ]  # fmt: skip
    return command, environment, f"http://127.0.0.1:{port}"
