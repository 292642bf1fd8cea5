"""Equations put together into one law, refitted and checked."""

from ._behaviour import Behaviour as Behaviour, behaviour as behaviour
from ._callable import law_accelerations as law_accelerations
from ._checks import (
    Check as Check,
    Checks as Checks,
    as_mappings as as_mappings,
    check_law as check_law,
    network_hints as network_hints,
    verdict as verdict,
)
from ._compose import (
    ComposedLaw as ComposedLaw,
    compose_along as compose_along,
    compose_law as compose_law,
    compose_plainly as compose_plainly,
)
from ._conserved import Drift as Drift
from ._fit_equations import fit_equations as fit_equations
from ._fit_properties import (
    FittedProperties as FittedProperties,
    FittedProperty as FittedProperty,
    fit_properties as fit_properties,
)
from ._followed_properties import followed_with_properties as followed_with_properties
from ._formula import Formula as Formula
from ._generalisation import (
    Generalisation as Generalisation,
    RegionErrors as RegionErrors,
    generalisation as generalisation,
)
from ._law import Law as Law, is_one_body as is_one_body
from ._levels import Levels as Levels, find_levels as find_levels
from ._noise_effect import noise_effect as noise_effect
from ._own_origin import OwnOrigin as OwnOrigin
from ._own_units import OwnUnits as OwnUnits
from ._recovery import Recovery as Recovery, recovery as recovery
from ._refine import Refined as Refined, Scored as Scored, refine as refine
from ._refit import refit as refit, standard_errors as standard_errors
from ._rollout import Rollout as Rollout, integrate_law as integrate_law, roll_out as roll_out
from ._shoot import TrajectoryFit as TrajectoryFit, fit_trajectories as fit_trajectories
from ._speed import Speed as Speed
from ._states import (
    States as States,
    lay_out as lay_out,
    states_of as states_of,
    thinned as thinned,
)
from ._stored_network import describe_network as describe_network, network_from as network_from
from ._strings import (
    acceleration as acceleration,
    pair_force as pair_force,
    pair_potential as pair_potential,
    strings as strings,
    used_variables as used_variables,
)
from ._symbolic_network import (
    channels_of as channels_of,
    equations_of as equations_of,
    learned_network as learned_network,
    names_of as names_of,
    with_equations as with_equations,
    without_equations as without_equations,
)
from ._train_with_equations import train_with_equations as train_with_equations
from ._with_properties import with_properties_fitted as with_properties_fitted
