"""Stages in order, with checkpoints: the way from a study to its result."""

from ._discover import resume_study as resume_study, run_study as run_study
from ._distil_run import resume_distillation as resume_distillation, run_distillation as run_distillation
from ._distil_study import DistilStudy as DistilStudy
from ._folder import Listener as Listener, is_run as is_run, kind_of as kind_of
from ._messages_run import read_run as read_run
from ._options import IN_MEMORY as IN_MEMORY, SourceOptions as SourceOptions, with_source as with_source
from ._regress_run import (
    resume_regression as resume_regression,
    run_regression as run_regression,
)
from ._regress_study import RegressionStudy as RegressionStudy
from ._study import (
    FileSource as FileSource,
    Study as Study,
    SystemSource as SystemSource,
    read_file as read_file,
)
from ._train_run import resume_training as resume_training, run_training as run_training
from ._train_study import TrainStudy as TrainStudy
