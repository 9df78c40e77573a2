"""Reconstruct a scan while it is measured."""
