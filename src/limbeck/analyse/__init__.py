"""Reading what a trained network's functions say."""

from ._collect import collect_messages as collect_messages, message_r2 as message_r2
from ._force_map import ForceMap as ForceMap, force_map as force_map
from ._importance import (
    Importance as Importance,
    importance as importance,
    kl_divergence as kl_divergence,
    participation_ratio as participation_ratio,
)
from ._linear_fit import (
    LinearFit as LinearFit,
    best_rows as best_rows,
    plain_fit as plain_fit,
    trimmed_fit as trimmed_fit,
)
from ._message_reading import (
    MessageReading as MessageReading,
    read_messages as read_messages,
    specialisation_target as specialisation_target,
)
from ._message_record import MessageRecord as MessageRecord
from ._message_summary import (
    SeedSummary as SeedSummary,
    Spread as Spread,
    reading_to_mapping as reading_to_mapping,
    summarise_seeds as summarise_seeds,
    summary_to_mapping as summary_to_mapping,
)
from ._message_table import Channel as Channel, MessageTable as MessageTable
from ._read_forces import ForceReading as ForceReading, read_forces as read_forces
from ._record_messages import record_messages as record_messages
from ._self_energy import self_energy_channel as self_energy_channel
from ._specialisation import Specialisation as Specialisation, specialisation as specialisation
from ._targets import (
    MEANINGS as MEANINGS,
    TARGETS as TARGETS,
    InverseFit as InverseFit,
    TargetFit as TargetFit,
    target_vectors as target_vectors,
)
