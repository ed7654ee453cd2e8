"""Your own voice: all five models answer one recording, in a page on this machine."""

USERS = 40
"""Who may wait for an answer at the same time; whoever comes then is asked to try again."""
