"""`python -m mgmt_ui.cli`: the same as `brokerctl`."""

from mgmt_ui.cli import main

main()
