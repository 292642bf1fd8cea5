"""The axis vocabulary of limbeck, used word for word in every annotation.

One name means one axis everywhere: `systems` simulations, `times` snapshots of
one of them, `nodes` particles, `pairs` unordered pairs of particles, `dim`
directions of space, `features` inputs of a network, `samples` rows of a table,
`variables` its columns, `constants` the fitted numbers of an expression.
Arrays on the host are NumPy in float64; arrays inside a network are JAX in the
training precision.
"""

import numpy as np
from jaxtyping import Bool, Float, Int

Times = Float[np.ndarray, "systems times"]
NodeVectors = Float[np.ndarray, "systems times nodes dim"]
NodeScalars = Float[np.ndarray, "systems nodes"]
NodeNoise = Float[np.ndarray, "systems times nodes"]
Presence = Bool[np.ndarray, "systems times nodes"]
Snapshots = Int[np.ndarray, "samples 2"]
Samples = Float[np.ndarray, " samples"]
Table = Float[np.ndarray, "samples variables"]
Jacobian = Float[np.ndarray, "samples constants"]
Constants = Float[np.ndarray, " constants"]
