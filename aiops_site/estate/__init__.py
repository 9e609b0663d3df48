"""The sample estate: a small shop of real processes that can be broken on demand.

Its processes import nothing of Django, so that each stays small.
"""
