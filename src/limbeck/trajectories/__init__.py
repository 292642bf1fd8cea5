"""What came in: the record of trajectories, and files in and out."""

from ._columns import check_attribute_name as check_attribute_name, check_learned_name as check_learned_name
from ._departures import Departure as Departure, newtonian_departures as newtonian_departures
from ._derive import known_velocities as known_velocities
from ._derive_beyond import derived_beyond as derived_beyond
from ._differences import FEWEST as FEWEST
from ._hash import content_hash as content_hash
from ._load import load_trajectories as load_trajectories
from ._noise import (
    acceleration_noise as acceleration_noise,
    stated_noise as stated_noise,
    white_noise as white_noise,
)
from ._objects import (
    object_index as object_index,
    object_name as object_name,
    objects_return as objects_return,
    with_attribute as with_attribute,
)
from ._rederive import rederived_accelerations as rederived_accelerations
from ._rows import Rows as Rows
from ._save import (
    check_target as check_target,
    save_trajectories as save_trajectories,
    to_frame as to_frame,
    to_xarray as to_xarray,
)
from ._solar_system import solar_system as solar_system, true_masses as true_masses
from ._split import Split as Split, split_snapshots as split_snapshots
from ._trajectories import Edges as Edges, Trajectories as Trajectories
from ._units import parse_units as parse_units
from ._unseen import hidden as hidden, targets_of as targets_of
