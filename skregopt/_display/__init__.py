"""Displays of fits, paths and searches. matplotlib is imported only when a display draws."""
