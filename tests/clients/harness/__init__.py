"""What the client suites share: a server of their own, scenarios with a verdict, and waiting with a deadline.

Only Python's standard library, so that a suite runs wherever Python does.
"""
