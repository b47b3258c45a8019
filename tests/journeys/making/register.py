"""python register.py MODEL.onnx: version 1 of `signs` in the registry, under the alias `candidate`."""

import sys
from pathlib import Path

import mlflow

client = mlflow.MlflowClient()
experiment = client.create_experiment("signs", artifact_location=Path("artifacts").absolute().as_uri())
run = client.create_run(experiment).info
client.log_artifact(run.run_id, sys.argv[1], "model")
client.create_registered_model("signs")
version = client.create_model_version("signs", f"{run.artifact_uri}/model", run.run_id).version
client.set_registered_model_alias("signs", "candidate", version)
