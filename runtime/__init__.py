"""From source text to programs that run, and the way into them. Start at `program` and `loader`."""

import time

STARTED = time.time()  # before any other module here was read: a file changed since may not be what runs
