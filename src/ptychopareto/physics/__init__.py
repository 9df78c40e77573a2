"""Probes, objects, scans and the far-field forward model."""
