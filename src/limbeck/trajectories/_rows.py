"""How a row of a table is called in a message: by its number in the file."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int


@dataclass(frozen=True, kw_only=True, eq=False)
class Rows:
    """Names of the rows of a table.

    Attributes:
        where: What to call the source.
        numbers: Number of each row, the header being row 1.
        is_text_file: Whether rows are lines of a file.
    """

    where: str
    numbers: Int[np.ndarray, " rows"]
    is_text_file: bool = False

    def name(self, row: int) -> str:
        """Name a row.

        Args:
            row: Its place, from 0.

        Returns:
            Words such as "row 17 (line 17 of the file)".
        """
        number = int(self.numbers[row])
        return f"row {number} ({f'line {number} of the file' if self.is_text_file else 'counting the header as row 1'})"

    def locate(self, row: int) -> str:
        """Name a row and its source.

        Args:
            row: Its place, from 0.

        Returns:
            Words such as "table.csv: row 17 (line 17 of the file)".
        """
        return f"{self.where}: {self.name(row)}"
