"""MLflow's SQLite store."""

import logging
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

STORE, ARTEFACTS = "mlflow.db", "mlflow"
EXPERIMENT = "limbeck"


def store_address(path: Path) -> str:
    """Address of a store, in which all after a question mark would be options: SQLite's own form quotes it."""
    return f"sqlite:///file:{quote(str(path))}?uri=true" if "?" in str(path) else f"sqlite:///{path}"


class MLflow:
    """Parameters and metrics: `mlflow ui --backend-store-uri sqlite:///RUN/mlflow.db` shows them."""

    def __init__(self, folder: Path) -> None:
        """Open the store, and the run that an earlier process left in it."""
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # nothing of a run goes anywhere unasked
        from mlflow import MlflowClient
        from mlflow.entities import RunStatus

        logging.getLogger("mlflow.store.db.utils").setLevel(logging.WARNING)  # tells how it makes its tables

        place = folder.absolute()
        self.client = MlflowClient(tracking_uri=store_address(place / STORE))
        known = self.client.get_experiment_by_name(EXPERIMENT)
        if known is None:
            experiment = self.client.create_experiment(EXPERIMENT, artifact_location=(place / ARTEFACTS).as_uri())
        else:
            experiment = known.experiment_id
        runs = self.client.search_runs([experiment])
        self.run = (runs[0] if runs else self.client.create_run(experiment, run_name=folder.name)).info.run_id
        self.client.update_run(self.run, status=RunStatus.to_string(RunStatus.RUNNING))

    def settings(self, settings: Mapping[str, Any]) -> None:
        """Keep what the run was asked to do; a setting that is the same again is no change."""
        for name, value in settings.items():
            self.client.log_param(self.run, name, value)

    def figures(self, step: int, figures: Mapping[str, float]) -> None:
        """Keep figures after a step."""
        from mlflow.entities import Metric

        now = int(1000 * time.time())
        self.client.log_batch(self.run, [Metric(name, figure, now, step) for name, figure in figures.items()])

    def finish(self, status: str) -> None:
        """End."""
        self.client.set_terminated(self.run, status=status)
