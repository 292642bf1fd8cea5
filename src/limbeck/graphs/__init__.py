"""Who acts on whom: trajectories as batches of graphs."""

from ._connect import GraphDataset as GraphDataset, connect as connect, pair_list as pair_list
from ._snapshots import PairList as PairList, Snapshots as Snapshots
