"""Preparation of measured patterns: what cannot be right is found before anything is trained."""
