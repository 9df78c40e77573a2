"""The pictures of a study: one file each, in one style."""
