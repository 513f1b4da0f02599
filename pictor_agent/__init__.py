"""The program that runs on a GPU Worker Node; free of Django, dials out only."""

__version__ = "0.1.0"
