"""The graphs of a study: which pairs act, what is divided into parts, and what is held out of all of them."""

from limbeck.graphs import GraphDataset, connect, parse_hold_out
from limbeck.trajectories import Trajectories, check_attribute_name, objects_return, with_attribute

from ._study import Study


def connected(trajectories: Trajectories, study: Study) -> GraphDataset:
    """Build the graphs of trajectories as a study asks for them.

    Args:
        trajectories: The states; motion without any acceleration is refused a law later, not here.
        study: Its seed divides them, its region is held out, and its learned properties get a column.

    Returns:
        The dataset that every later stage works on.

    Raises:
        InputError: If biases, properties or the region do not go with the data, or a batch is too large.
    """
    study.bias_plan(trajectories.dim)
    for name in trajectories.attributes:  # those of a file were looked at when it was read
        check_attribute_name(name, "the trajectories")
    for name in study.learned_names:
        trajectories = with_attribute(trajectories, name, None)
    # What is learned of a particle must be held against other times of the same particle.
    by_time = bool(study.learned_names) and not objects_return(trajectories)
    hold_out = parse_hold_out(study.hold_out) if study.hold_out else None
    dataset = connect(trajectories, seed=study.seed, by_time=by_time, hold_out=hold_out)
    study.check_pairs(len(dataset.pairs.first))
    return dataset
