"""Your own voice: all five models answer one recording, in a page on this machine."""
