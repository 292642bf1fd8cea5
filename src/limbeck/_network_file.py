"""Networks on disk, with the equations in them: `limbeck.save_network` and `limbeck.load_network`."""

import os
from pathlib import Path
from typing import Any

from limbeck._errors import ArtefactMismatch, InputError, RunError
from limbeck._files import check_file
from limbeck.artefacts import read_arrays, save_arrays
from limbeck.compose import describe_network, network_from


def save_network(network: Any, path: str | os.PathLike[str]) -> None:
    """Write a network to a file, with the equations in it.

    Weights, constants, the form and the names of every equation are written without loss, in limbeck's checkpoint
    format: a JSON header with a checksum, then the arrays. The file appears whole or not at all.

    Args:
        network: A `GraphNetwork`, `MessageNetwork` or `HamiltonianNetwork`, trained or not, of which some or all
            functions may be equations.
        path: The file; its folder must exist.

    Raises:
        InputError: If it is no such network, an equation can't be stored, or nothing can be written there.
        RunError: If writing failed on the way; an earlier file stays.

    Example:
        limbeck.save_network(symbolic, "spring.network")
    """
    path = Path(path)
    check_file(path)
    head, arrays = describe_network(network)
    try:
        save_arrays(path, head, arrays)
    except OSError as error:
        raise RunError(f"{path} could not be written: {error.strerror or error}") from error


def load_network(path: str | os.PathLike[str]) -> Any:
    """Read a network that `save_network` wrote.

    Nothing in the file is executed: classes are taken from a list, and equations go through limbeck's own parser.

    Args:
        path: The file.

    Returns:
        The network, which predicts what it did to the last bit; `limbeck.compose.equations_of` reads its equations,
        and `without_equations` goes back to what was learned.

    Raises:
        InputError: If there is no such file, or it is cut short, altered, of something else or of a newer version.

    Example:
        symbolic = limbeck.load_network("spring.network")
    """
    path = Path(path)
    try:
        return network_from(*read_arrays(path))
    except OSError as error:
        raise InputError(f"{path}: the file can't be read: {error.strerror or error}") from error
    except ArtefactMismatch as error:
        raise InputError(f"{path} can't be read as a network: {error}") from error
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
