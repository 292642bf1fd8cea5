"""Who acts on whom: trajectories as batches of graphs, and sparse graphs of anything."""

from ._connect import (
    GraphDataset as GraphDataset,
    connect as connect,
    pair_list as pair_list,
    spread_over_times as spread_over_times,
)
from ._hold_out import (
    HoldOut as HoldOut,
    parse_hold_out as parse_hold_out,
    particles_held_out as particles_held_out,
)
from ._neighbours import (
    edge_displacements as edge_displacements,
    nearest_edges as nearest_edges,
    radius_edges as radius_edges,
)
from ._snapshots import PairList as PairList, Snapshots as Snapshots
from ._sparse import (
    SparseGraph as SparseGraph,
    batch_graphs as batch_graphs,
    pad_graph as pad_graph,
    sparse_graph as sparse_graph,
)
