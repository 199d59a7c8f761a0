"""A decoder that a hostile file has caught."""

import time

time.sleep(60)
