"""The lock around moto's state."""

from threading import RLock

# moto was not made for threads: without this, two conditional writes can both win and a message sent while
# another is deleted can vanish. Nothing may wait for the network or a clock while it holds the lock.
MOTO_LOCK = RLock()
