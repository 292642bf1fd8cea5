"""Every exception class that a caller of limbeck can act on.

Wrong input raises `InputError` (a `ValueError`) before any work is done, so the
command line can turn it into one line and exit code 2. Everything else says
what failed on the way and carries what a caller needs to go on.
"""


class InputError(ValueError):
    """Input or options are wrong: nothing was done, nothing was written."""


class RunError(RuntimeError):
    """Something failed on the way; what was finished stays on disk."""


class SimulationFailed(RunError):
    """No simulation of a batch could be integrated."""


class TrainingDiverged(RunError):
    """The training loss became infinite or undefined and stayed so."""


class BackendUnavailable(ImportError):
    """A search engine is not installed; the message names the extra."""


class BackendFailed(RunError):
    """A search engine ran and gave nothing that can be used."""


class ArtefactMismatch(RunError):
    """A file on disk is not what this version or this run wrote."""


class ArtefactDamaged(ArtefactMismatch):
    """A file on disk is cut short or altered; what it held can be computed again."""
