"""Reading what a trained network's functions say."""

from ._collect import (
    Channel as Channel,
    MessageTable as MessageTable,
    collect_messages as collect_messages,
    message_r2 as message_r2,
)
