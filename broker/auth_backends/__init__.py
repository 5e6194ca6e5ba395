"""Other places than the broker's own database that know who users are and what they may do.

Here: the interface, and one module for each that is shipped.  Other packages add theirs as entry
points of the group `leveret.auth_backends`, each a function `make(options, clock)`.  Not here: who
asks when (`broker.access`).
"""
