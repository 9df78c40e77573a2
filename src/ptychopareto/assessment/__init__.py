"""Measures of a reconstruction's quality, and of its cost."""
