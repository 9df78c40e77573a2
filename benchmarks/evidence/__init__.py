"""The studies behind docs/evidence.md: what runs them, and what makes tables and pictures."""
