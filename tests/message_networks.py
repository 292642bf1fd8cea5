"""Small message networks and batches for tests of models and of training."""

import jax
import numpy as np
from clouds import cloud

from limbeck.graphs import connect
from limbeck.models import MessageConfig, PairIndex, build_message_network, measure_scales
from limbeck.train import to_device

DATASET = connect(cloud(1, n_systems=20, names=("m", "q")), seed=0)
PAIRS = PairIndex(DATASET.pairs.first, DATASET.pairs.second)
FORMS = [
    {"features": features, "translation": translation, "third_law": third_law}
    for features in ("published", "scaled")
    for translation in (False, True)
    for third_law in (False, True)
]
SIZES_AND_FORMS = [("standard", form) for form in FORMS] + [
    (size, form) for size in ("bottleneck", "l1", "kl", "pruning") for form in (FORMS[0], FORMS[-1])
]


def form_name(form):
    """Words for a parametrised test; a size needs none."""
    if isinstance(form, str):
        return form
    return "-".join([form["features"], *(name for name in ("translation", "third_law") if form[name])])


def small(size="standard", seed=0, dataset=DATASET, **changes):
    """An untrained network of a few units."""
    config = MessageConfig(**{"size": size, "message_dim": 0, "width": 8, "depth": 2, **changes})
    key = jax.random.key(seed)
    return build_message_network(config, measure_scales(dataset), dataset.trajectories.dim, key=key)


def batch(n=6, dataset=DATASET):
    """Validation snapshots in single precision."""
    return to_device(dataset.batch(dataset.validation[:n]))


def arrays(tree):
    """Leaves on the host."""
    return [np.asarray(leaf) for leaf in jax.tree.leaves(tree)]
