"""What the tests stand on: started brokers, a raw wire client, polling with a deadline.

Nothing here may import the broker's own packages: the tests judge them from outside.
"""
