"""Accelerations under the law of a finished run, for states in a file."""

from collections.abc import Callable, Collection, Mapping, Sequence, Set
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from limbeck._discovery import DiscoveredLaw, Discovery, load
from limbeck._errors import InputError
from limbeck._files import check_file
from limbeck.compose import law_accelerations
from limbeck.config import from_toml
from limbeck.graphs import GraphDataset, pair_list
from limbeck.pipeline import DistilStudy, FileSource, Study, kind_of
from limbeck.trajectories import FEWEST, Trajectories, known_velocities, load_trajectories, object_name

SAME = 1e-9  # relative difference of values that were written with fewer digits


def predict_table(folder: Path, data: Path, *, edges: Path | None = None, allow_gaps: bool = False) -> tuple[Any, str]:
    """Predict accelerations for every state in a file.

    Args:
        folder: Folder of a finished run.
        data: A table or NetCDF file in the contract's format; accelerations may be missing.
        edges: CSV file that says who acts on whom; None is that of the run, if it had one.
        allow_gaps: Whether particles may be missing at some times, as they may where the run's own could.

    Returns:
        A data frame with simulation, time, particle and the predicted accelerations, and a
        sentence about their error where the file has accelerations.

    Raises:
        InputError: If the run has no law, or the file lacks an attribute, has a label that the run has not seen, or
            another dimension.
    """
    import pandas as pd

    found = load(folder)
    if found.law is None:
        raise InputError(f"the run in {folder} has no law to predict with: {'; '.join(found.reasons)}")
    law = found.law
    t, remarks = _states_for(found, law, _source(folder, data, edges, allow_gaps=allow_gaps), edges)
    system, time = np.nonzero(t.present.any(axis=2))
    rows = np.stack([system, time], axis=1)
    dataset = _whole(t, law.attribute_names)
    batch = dataset.batch(rows)
    with np.errstate(all="ignore"):  # where the law is undefined, which the summary says
        predicted = law_accelerations(
            law.composed, batch, dataset.pairs.first, dataset.pairs.second, law.attribute_names, np
        )
    here = t.present[system, time]
    sample, node = np.nonzero(here)
    columns: dict[str, Any] = {
        "simulation": [t.system_names[s] for s in system[sample]],
        "time": t.times[system, time][sample],
        "particle": [t.particle_names[s][n] for s, n in zip(system[sample], node, strict=True)],
    }
    for k in range(t.dim):
        columns[f"a{'xyz'[k]}"] = predicted[sample, node, k]
    summary = _summary(predicted, batch) + "".join(remarks)
    undefined = np.count_nonzero(~np.isfinite(predicted[sample, node]).all(axis=1))
    if undefined:
        summary = f"{summary}; the law is undefined for {undefined} of {len(node)} particles' states"
    if not found.found:
        summary = f"the law is a candidate only, its run ended with 'not found'; {summary}"
    return pd.DataFrame(columns), summary


def check_output(out: Path, data: Path, *, overwrite: bool) -> None:
    """Refuse a file that can't be written, before any work.

    Args:
        out: The file.
        data: The states, which must stay.
        overwrite: Whether a file that is there may be replaced.

    Raises:
        InputError: If it can't be written, is there already, is no CSV by its name, or is the file of the states.
    """
    if out.suffix.lower() != ".csv":
        raise InputError(f"{out}: predictions are written as CSV; give a name that ends with .csv")
    check_file(out)
    if not out.exists():
        return
    if data.exists() and out.samefile(data):
        raise InputError(f"{out} holds the states themselves; choose another name")
    if not overwrite:
        raise InputError(f"{out} is there already; choose another name, or --overwrite to replace it")


def _source(folder: Path, data: Path, edges: Path | None, *, allow_gaps: bool) -> FileSource:
    """What to read, with the same columns, units and pairs as the run's own data."""
    text = (folder / "study.toml").read_text(encoding="utf-8")
    kind = DistilStudy if kind_of(folder) == "distillation" else Study
    source = from_toml(text, kind, str(folder / "study.toml")).file
    pairs = source.edges if edges is None else str(edges)
    source = replace(source, path=str(data), edges=pairs, allow_gaps=source.allow_gaps or allow_gaps)
    return source if edges is None else replace(source, radius=0.0)


def _states_for(
    found: Discovery, law: DiscoveredLaw, source: FileSource, edges: Path | None
) -> tuple[Trajectories, list[str]]:
    """The states of a file with every property that a law asks for, and what is to be said of them."""
    data, used = Path(source.path), law.composed.variables
    unused = [name for name in law.attribute_names if not used & {f"{name}_1", f"{name}_2"}]
    constants, categories = (found.result["data"].get(key, {}) for key in ("constant_attributes", "categories"))
    needed = [*(name for name in law.attribute_names if name not in unused), *constants]
    properties = found.result.get("properties") or ()

    def states(names: Collection[str]) -> Trajectories:
        return _states(source, [n for n in needed if n in names], categories, edges_given=edges is not None)

    t = states(set(needed) - {row["name"] for row in properties})
    if t.measured_positions is not None:  # smoothing serves derivatives; the law is asked at the file's own states
        t = replace(t, positions=t.measured_positions)
    t = _with_pairs(t, law.radius, has_edges=law.has_edges, data=data)
    t = _with_codes(t, categories, data)
    if t.dim != law.composed.dim:
        raise InputError(f"the law is for {law.composed.dim} dimensions; {data} has {t.dim}")
    _check_constants(t, constants, data)
    _check_velocities(t, used | law.composed.components.keys(), data)
    remarks = []
    for name in (one for one in law.attribute_names if one not in t.attributes and one not in unused):
        t, strangers = _with_learned(t, properties, name, data, lambda name=name: states({name}))
        remarks += [f"; {name} of {strangers} particles stands in the file, in the unit of the run"] * bool(strangers)
    ones = np.ones((t.n_systems, t.n_nodes))
    return replace(t, attributes={**dict.fromkeys(unused, ones), **t.attributes}), remarks


def _states(
    source: FileSource, needed: Sequence[str], categories: Collection[str], *, edges_given: bool
) -> Trajectories:
    """States with the properties that the law needs; other columns are not looked at."""
    try:
        return load_trajectories(
            source.path,
            attributes=tuple(name for name in needed if name not in categories),
            ignore=tuple(name for name in source.ignore if name not in needed),
            species=tuple(name for name in needed if name in categories),
            learning=False,
            lenient=True,
            **source.reading,
        )
    except InputError as error:
        if edges_given or not source.edges:
            raise
        raise InputError(
            f"{error}; the run had edges, which hold here too: give those of these states with --edges"
        ) from None


def _with_pairs(t: Trajectories, radius: float | None, *, has_edges: bool, data: Path) -> Trajectories:
    """The states with the run's radius, where its data did not come from a file that a study names."""
    if has_edges and t.edges is None:
        raise InputError(f"{data}: the run was told who acts on whom: give the edges of these states with --edges")
    return t if radius is None or t.radius is not None or t.edges is not None else replace(t, radius=radius)


def _with_codes(t: Trajectories, categories: Mapping[str, list[str]], data: Path) -> Trajectories:
    """The states with the codes that the run gave to labels; a file with other labels would number them anew."""
    attributes = dict(t.attributes)
    for name, labels in t.categories.items():
        known = categories.get(name)
        if known is None:
            continue
        strange = [label for label in labels if label not in known]
        if strange:
            raise InputError(
                f"{data}: column {name!r} has the label {strange[0]!r}, of which the run's law says nothing; "
                f"it knows {', '.join(known)}"
            )
        codes = np.array([known.index(label) for label in labels], dtype=float)
        values = np.asarray(attributes[name], dtype=float)
        there = np.isfinite(values)
        attributes[name] = np.where(there, codes[np.where(there, values, 0).astype(int)], values)
    return replace(t, attributes=attributes)


def _with_learned(
    t: Trajectories,
    learned: Sequence[Mapping[str, Any]],
    name: str,
    data: Path,
    with_column: Callable[[], Trajectories],
) -> tuple[Trajectories, int]:
    """The states with a property that the run learned of the same particles, and of how many others a column tells."""
    # A column may have the property in any unit: of particles that the run knows it is not looked at.
    known = {_owner(row): row["value"] for row in learned if row["name"] == name}
    if not known:
        raise InputError(f"{data} lacks the attribute {name} of the run's law")
    values, strangers = np.ones((t.n_systems, t.n_nodes)), 0
    column: np.ndarray | None = None
    for system, node in np.argwhere(t.present.any(axis=1)):
        simulation, particle = t.system_names[system], t.particle_names[system][node]
        label = object_name(t, int(system), int(node)) if t.per else None
        owners = (simulation, particle, None), (None, particle, None), (None, None, label)
        value = next((known[owner] for owner in owners if owner in known), None)
        if value is None and strangers == 0:
            column = with_column().attributes.get(name)
        if value is None and column is not None:
            value, strangers = column[system, node], strangers + 1
        if value is None:
            whose = "labels" if any(owner[2] is not None for owner in known) else "particles"
            raise InputError(
                f"{data}: the run learned {name} of its own {whose}, and knows none for particle {particle!r} of "
                f"simulation {simulation!r}; add a column {name}, in the unit of the run's properties"
                + (", or the column of labels" if whose == "labels" else "")
            )
        values[system, node] = value
    return replace(t, attributes={**t.attributes, name: values}), strangers


def _owner(row: Mapping[str, Any]) -> tuple[str | None, str | None, str | None]:
    """Who a learned property belongs to: a particle of a simulation, a particle everywhere, or a label."""
    return row["simulation"], row["particle"], row.get("label")  # runs of earlier versions have no labels


def _check_constants(t: Trajectories, constants: Mapping[str, float], data: Path) -> None:
    """Refuse other values of a property that had one value in the run: its law was learned for that value."""
    there = t.present.any(axis=1)
    for name, value in constants.items():
        own = np.asarray(t.attributes[name])[there] if name in t.attributes and name not in t.categories else value
        other = np.flatnonzero(~np.isclose(own, value, rtol=SAME, atol=0.0))
        if len(other):
            raise InputError(
                f"{data}: {name} is {np.ravel(own)[other[0]]:g}, but was {value:g} throughout the run, so that its law "
                f"holds for that value; leave the column out to predict as if it were {value:g}"
            )


def _check_velocities(t: Trajectories, used: Set[str], data: Path) -> None:
    """Refuse particles without velocities, and too few times to derive them from, for a law that asks for them."""
    asked = {"friction", "drag", "v_1"} | {f"v{a}_{end}" for a in "xyz" for end in "12"} | {f"dv{a}" for a in "xyz"}
    unknown = np.argwhere(t.present & ~known_velocities(t))
    if len(unknown) and used & asked:
        system, _, node = unknown[0]
        raise InputError(
            f"{data}: the law depends on velocities, and particle {t.particle_names[system][node]!r} of simulation "
            f"{t.system_names[system]!r} is seen too seldom to derive them: give vx, ..., or {FEWEST} times in a row "
            "of each particle"
        )


def _whole(trajectories: Any, names: tuple[str, ...]) -> GraphDataset:
    """All snapshots as graphs, not divided into parts."""
    none = np.zeros((0, 2), dtype=int)
    return GraphDataset(
        trajectories=trajectories,
        pairs=pair_list(trajectories),
        attribute_names=names,
        constant_attributes={},
        train=none,
        validation=none,
        test=none,
        extrapolation=none,
        reach=np.inf,
        split_rule="not divided",
    )


def _summary(predicted: np.ndarray, batch: Any) -> str:
    """The error against the accelerations in the file, in a sentence."""
    from limbeck.train import relative_errors

    if not batch.targeted().any():
        return "no accelerations to compare with"
    errors = relative_errors(predicted, batch)
    middle, tail = np.quantile(errors, [0.5, 0.9])
    return f"relative error against the file's accelerations: median {middle:.3g}, 90th percentile {tail:.3g}"
