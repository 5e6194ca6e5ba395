"""What RabbitMQ tells of Erlang's virtual machine, as zeros: strict clients want the members."""

from mgmt_ui.paging import Row

GARBAGE_COLLECTION: Row = {
    "fullsweep_after": 0,
    "max_heap_size": 0,
    "min_bin_vheap_size": 0,
    "min_heap_size": 0,
    "minor_gcs": 0,
}
"""Of one process, of which each queue, channel and connection is one there."""

PROCESS: Row = {
    "reductions": 0,
    "reductions_details": {"rate": 0.0},
    "garbage_collection": GARBAGE_COLLECTION,
}
"""All that is told of the process of a queue or a channel."""
