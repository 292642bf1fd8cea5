"""Stages in order, with checkpoints: the way from a study to its result."""

from ._discover import resume_study as resume_study, run_study as run_study
from ._folder import is_run as is_run
from ._study import FileSource as FileSource, Study as Study, SystemSource as SystemSource
