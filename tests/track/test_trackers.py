"""Trackers hear the figures of a run, keep them in its folder, and go on when it is resumed."""

import struct

import pytest

from limbeck import InputError
from limbeck.track import TRACKERS, check_trackers, tracked

EVENTS = [
    ("train", "progress", {"done": 1, "of": 2, "loss": 0.5, "error": 0.25}),
    ("train", "progress", {"done": 2, "of": 2, "loss": 0.25, "error": None}),
    ("train", "progress", {"step": 1, "done": 1, "of": 2, "loss": 0.125, "error": 0.0625}),
    ("train", "finished", 1.5),
    ("run", "finished", "found"),
]
SETTINGS = {"seed": 3, "train": {"steps": 40, "biases": ("a", "b")}}


def told(names, folder, events=EVENTS, listener=None):
    with tracked(names, folder, SETTINGS, listener) as heard:
        for event in events:
            heard(*event)


@pytest.mark.parametrize("names", [(), pytest.param(tuple(TRACKERS), marks=pytest.mark.slow)])
def test_a_listener_hears_everything(tmp_path, names):
    heard = []
    told(names, tmp_path, listener=lambda *event: heard.append(event))
    assert heard == EVENTS


@pytest.mark.user_error
@pytest.mark.parametrize("name", ["", "tensorflow"])
def test_an_unknown_tracker_is_refused(name):
    with pytest.raises(InputError, match="choose among tensorboard, mlflow, wandb"):
        check_trackers([name])


@pytest.mark.user_error
def test_a_tracker_without_its_package_says_what_to_install(monkeypatch):
    monkeypatch.setitem(TRACKERS, "mlflow", "a_package_that_nobody_wrote")
    with pytest.raises(InputError, match=r"pip install 'limbeck\[mlflow\]'"):
        check_trackers(["mlflow"])


def test_tensorboard_keeps_scalars(tmp_path):
    told(["tensorboard"], tmp_path)
    assert scalars_of(tmp_path) == [
        ("train/loss", 1, 0.5),
        ("train/error", 1, 0.25),
        ("train/loss", 2, 0.25),
        ("train/1/loss", 1, 0.125),
        ("train/1/error", 1, 0.0625),
        ("seconds/train", 0, 1.5),
    ]


def test_mlflow_keeps_metrics_and_goes_on_in_the_same_run(tmp_path):
    from mlflow import MlflowClient

    with pytest.raises(ZeroDivisionError):
        told(["mlflow"], tmp_path, EVENTS[:1], listener=lambda *_: 1 / 0)
    client = MlflowClient(tracking_uri=f"sqlite:///{tmp_path / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("limbeck").experiment_id
    assert client.search_runs([experiment])[0].info.status == "FAILED"
    told(["mlflow"], tmp_path)
    (run,) = client.search_runs([experiment])
    assert run.info.status == "FINISHED"
    assert run.data.params == {"seed": "3", "train.steps": "40", "train.biases": "('a', 'b')"}
    assert [metric.value for metric in client.get_metric_history(run.info.run_id, "train/loss")] == [0.5, 0.25]


def test_mlflow_keeps_its_store_in_a_folder_with_any_name(tmp_path):
    for name in ("a?b", "50% #1"):
        (tmp_path / name).mkdir()
        told(["mlflow"], tmp_path / name)
        assert (tmp_path / name / "mlflow.db").stat().st_size > 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["50% #1", "a?b"]


def test_wandb_is_offline(tmp_path):
    told(["wandb"], tmp_path)
    (folder,) = (tmp_path / "wandb").glob("offline-run-*")
    (file,) = folder.glob("*.wandb")
    assert file.stat().st_size > 0


def scalars_of(folder):
    """Scalars of every event file: TFRecords of a length, its checksum, an event, its checksum."""
    from tensorboardX.proto.event_pb2 import Event

    found = []
    for path in sorted((folder / "tensorboard").iterdir()):
        rest = path.read_bytes()
        while rest:
            (length,) = struct.unpack("<Q", rest[:8])
            event, rest = Event.FromString(rest[12 : 12 + length]), rest[16 + length :]
            values = [value for value in event.summary.value if value.WhichOneof("value") == "simple_value"]
            found += [(value.tag, event.step, value.simple_value) for value in values]
    return found
