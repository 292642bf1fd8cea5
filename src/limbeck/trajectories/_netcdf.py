"""NetCDF files, and xarray's datasets, as named arrays with dimensions.

Bytes in, arrays out and back; what the variables mean is for others to say.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import h5netcdf
import h5py
import numpy as np

from limbeck._errors import InputError

PACKING = ("scale_factor", "add_offset")
NEVER_WRITTEN = 15 * 2.0**119  # what libraries fill real variables with that declare no value for missing ones


@dataclass(frozen=True, kw_only=True, eq=False)
class Field:
    """One variable.

    Attributes:
        dims: Name of each of its dimensions.
        values: Its values, of any type.
        attrs: What the file says about it, such as `units`.
        trouble: Why its values can't be used, such as "holds text that is not UTF-8"; empty where they can.
    """

    dims: tuple[str, ...]
    values: np.ndarray
    attrs: Mapping[str, Any] = field(default_factory=dict)
    trouble: str = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class Fields:
    """All variables of a file.

    Attributes:
        variables: The variables by name.
        attrs: What the file says about itself.
        where: What to call the source in a message.
    """

    variables: Mapping[str, Field]
    attrs: Mapping[str, Any] = field(default_factory=dict)
    where: str = ""

    def variable(self, name: str) -> Field:
        """Take one variable whose values are to be used.

        Args:
            name: Its name.

        Returns:
            The variable.

        Raises:
            InputError: If the file garbles its values.
        """
        one = self.variables[name]
        if one.trouble:
            raise InputError(f"{self.where}: variable {name!r} {one.trouble}: correct it, or use --ignore {name}")
        return one


def read_fields(path: Path) -> Fields:
    """Read every variable of a NetCDF file.

    Args:
        path: A NetCDF-4 or classic NetCDF file.

    Returns:
        The variables.

    Raises:
        InputError: If the file isn't a whole NetCDF file.
    """
    with path.open("rb") as file:
        classic = file.read(3) == b"CDF"
    try:
        variables, attrs = _read_classic(path) if classic else _read_hdf5(path)
    except (OSError, RuntimeError, KeyError, ValueError, TypeError, AssertionError, IndexError) as error:
        raise InputError(f"{path}: not a whole NetCDF file: {' '.join(str(error).split())[:200]}") from None
    return Fields(variables={name: _decoded(one) for name, one in variables.items()}, attrs=attrs, where=str(path))


def fields_from_xarray(dataset: Any) -> Fields:
    """Take the variables of an xarray Dataset.

    Args:
        dataset: An `xarray.Dataset`; not annotated so that xarray stays optional.

    Returns:
        The variables.
    """
    variables = {
        str(name): _decoded(
            Field(dims=tuple(str(dim) for dim in one.dims), values=np.asarray(one.values), attrs=dict(one.attrs))
        )
        for name, one in dataset.variables.items()
    }
    return Fields(variables=variables, attrs=dict(dataset.attrs), where="Dataset")


def fields_to_xarray(fields: Fields) -> Any:
    """Make an xarray Dataset.

    Args:
        fields: The variables.

    Returns:
        An `xarray.Dataset`; variables named like a dimension are its coordinates.

    Raises:
        InputError: If xarray isn't installed.
    """
    try:
        import xarray
    except ImportError:
        raise InputError("a Dataset needs xarray; install it with pip install 'limbeck[xarray]'") from None
    variables = {name: (one.dims, one.values, dict(one.attrs)) for name, one in fields.variables.items()}
    return xarray.Dataset(variables, attrs=dict(fields.attrs))


def write_fields(fields: Fields, path: Path) -> None:
    """Write variables to a NetCDF-4 file.

    Args:
        fields: The variables.
        path: The file to write.
    """
    with h5netcdf.File(path, "w") as file:
        for one in fields.variables.values():
            for dim, size in zip(one.dims, one.values.shape, strict=True):
                if dim not in file.dimensions:
                    file.dimensions[dim] = size
        for name, one in fields.variables.items():
            text = one.values.dtype.kind in "OU"
            kind = h5py.string_dtype() if text else one.values.dtype
            variable = file.create_variable(name, one.dims, kind)
            variable[...] = one.values.astype(object) if text else one.values
            for key, value in one.attrs.items():
                variable.attrs[key] = value
        for key, value in fields.attrs.items():
            file.attrs[key] = value


def _read_hdf5(path: Path) -> tuple[dict[str, Field], dict[str, Any]]:
    """Read a NetCDF-4 file."""
    with h5py.File(path, "r") as whole:
        whole.attrs.get("_nc3_strict")  # h5netcdf asks too, and what it has half built then fails again when collected
        with h5netcdf.File(whole, "r") as file:
            variables = {
                name: Field(dims=tuple(one.dimensions), values=np.asarray(one[...]), attrs=dict(one.attrs))
                for name, one in file.variables.items()
            }
            return _words(variables), dict(file.attrs)


def _words(variables: dict[str, Field]) -> dict[str, Field]:
    """Join text that is stored letter by letter, along a dimension that only text has."""
    others = {dim for one in variables.values() if one.values.dtype.kind not in "OSU" for dim in one.dims}
    return {
        name: replace(one, values=_joined(one.values), dims=one.dims[:-1])
        if one.values.dtype == "S1" and one.dims and one.dims[-1] not in others
        else one
        for name, one in variables.items()
    }


def _read_classic(path: Path) -> tuple[dict[str, Field], dict[str, Any]]:
    """Read a classic NetCDF file."""
    from scipy.io import netcdf_file

    with netcdf_file(path, "r", mmap=False) as file:
        variables = {}
        for name, one in file.variables.items():
            values, dims = one[...], tuple(one.dimensions)
            if values.dtype.kind == "S" and values.ndim == len(dims) and dims:  # text is stored letter by letter
                values, dims = _joined(values), dims[:-1]
            values = values.astype(values.dtype.newbyteorder("=")) if values.dtype.kind in "iufc" else values
            variables[name] = Field(dims=dims, values=values, attrs=dict(one._attributes))
        return variables, dict(file._attributes)


def _joined(letters: np.ndarray) -> np.ndarray:
    """Join the letters along the last axis to words."""
    return np.ascontiguousarray(letters).view(f"S{letters.shape[-1]}")[..., 0]


def _decoded(one: Field) -> Field:
    """Apply what the conventions of NetCDF say about missing and packed values, and read bytes as text."""
    values, attrs, trouble = one.values, {key: _plain(value) for key, value in one.attrs.items()}, ""
    wrong = [key for key in PACKING if key in attrs and not _is_number(attrs[key])]
    if values.dtype.kind in "OS":
        try:
            values = np.asarray(np.frompyfunc(partial(_plain, errors="strict"), 1, 1)(values), dtype=object)
        except UnicodeError:
            trouble = "holds text that is not UTF-8"
    elif values.dtype.kind in "iuf" and wrong:
        trouble = f"is packed with the {wrong[0]} {attrs[wrong[0]]!r}, which is no number"
    elif values.dtype.kind in "iuf":
        values = _unpacked(values, attrs)
    return Field(dims=one.dims, values=values, attrs=attrs, trouble=trouble)


def _unpacked(values: np.ndarray, attrs: Mapping[str, Any]) -> np.ndarray:
    """Apply the factor and the offset of packed values, and write missing ones as NaN."""
    missing = [attrs[key] for key in ("_FillValue", "missing_value") if _is_number(attrs.get(key))]
    if values.dtype.kind == "f":
        missing.append(NEVER_WRITTEN)
    missing = [m for m in missing if m == m]
    if values.dtype.kind == "f":  # 1e20 in single precision is another number as a double
        with np.errstate(over="ignore"):
            missing = np.array(missing).astype(values.dtype)
    absent = np.isin(values, missing)
    if any(key in attrs for key in PACKING):
        values = values.astype(np.float64) * attrs.get("scale_factor", 1.0) + attrs.get("add_offset", 0.0)
    return np.where(absent, np.nan, values) if absent.any() else values


def _is_number(value: object) -> bool:
    """Say whether an attribute is one number."""
    return isinstance(value, int | float | np.integer | np.floating)


def _plain(value: Any, errors: str = "replace") -> Any:
    """Write bytes as text and arrays of one value as that value; `errors` as for `bytes.decode`."""
    if isinstance(value, str):  # h5py keeps bytes that are no UTF-8 as surrogates, which no file can hold
        value = value.encode("utf-8", errors="surrogateescape")
    if isinstance(value, bytes):
        return value.decode("utf-8", errors=errors)
    if isinstance(value, np.ndarray) and value.size == 1:
        return _plain(value.reshape(-1)[0], errors)
    return value
