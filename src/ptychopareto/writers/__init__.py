"""Write finished reconstructions in the formats of the field."""
