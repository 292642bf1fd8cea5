"""What came in: the record of trajectories, and files in and out."""

from ._trajectories import Edges as Edges, Trajectories as Trajectories
