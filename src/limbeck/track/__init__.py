"""Experiment trackers behind one small interface; each is an optional package, imported only when used."""

from ._listener import tracked as tracked
from ._tracker import TRACKERS as TRACKERS, Tracker as Tracker, check_trackers as check_trackers
