"""Pictures of fits, paths and searches; matplotlib is imported where it is used."""
