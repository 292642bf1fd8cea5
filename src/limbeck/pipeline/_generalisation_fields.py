"""What `result.json` says of a region that was held out."""

from typing import Any

from limbeck.artefacts import finite
from limbeck.compose import Generalisation, RegionErrors

REGIONS = ("held_out", "in_range")


def generalisation_fields(found: Generalisation | None) -> dict[str, Any] | None:
    """Law and network within the region and without it.

    Args:
        found: Their errors, or None.

    Returns:
        Errors by region and predictor; None where nothing was held out.
    """
    if found is None:
        return None
    of_law = (None, None) if found.law is None else found.law
    by_region = {
        region: {"particles": particles, "law": _fields(law), "network": _fields(network)}
        for region, particles, law, network in zip(REGIONS, found.particles, of_law, found.network, strict=True)
    }
    return {"region": found.region, **by_region}


def _fields(errors: RegionErrors | None) -> dict[str, float | None] | None:
    """One predictor in one region."""
    return None if errors is None else {name: finite(value) for name, value in errors._asdict().items()}
